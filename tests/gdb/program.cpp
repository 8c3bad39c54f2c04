// SPDX-License-Identifier: BSL-1.0
// What the gdb tests look at: stops in `stop_here` with handlers on three stacks, with a task that waits.
#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>

namespace shop {

struct ask {
    using result_type = int;
};
struct hold {
    using result_type = int;
};

class till {
public:
    using operations = effects::operations<ask>;
    int operator()(ask) const { return 1; }
};

} // namespace shop

[[gnu::noinline]] void stop_here() { asm volatile(""); }

[[gnu::noinline]] int innermost_body() {
    int const held = effects::perform(shop::hold{}); // resumed, so the backtrace goes through the clause
    stop_here();
    return held;
}

[[gnu::noinline]] int outer_body() {
    return effects::handle([] { return innermost_body(); },
                           effects::control<shop::hold>([](shop::hold, auto k) { return std::move(k).resume(1); }));
}

[[gnu::noinline]] void wait_for(effects::async::channel<int>& numbers) { static_cast<void>(numbers.receive()); }

int plain() {
    return effects::handle([] { return outer_body(); }, shop::till{},
                           effects::control<shop::ask>([](shop::ask, auto k) { return std::move(k).resume(1); }));
}

int main(int count, char**) {
    if (count > 1) return plain() - 1;
    return effects::sim::run([] {
        effects::async::channel<int> numbers(1);
        return effects::async::task_group([&](effects::async::group& tasks) {
            tasks.spawn({.name = "waiting"}, [&] { wait_for(numbers); });
            tasks
                .spawn({.name = "working"},
                       [&] {
                           effects::async::yield(); // until all others wait
                           plain();
                       })
                .get();
            numbers.close();
            return 0;
        });
    });
}
