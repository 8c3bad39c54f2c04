// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

// What the others get wrong, done right.
struct named {
    using operations = effects::operations<ask>;
    int operator()(ask const&) const { return 1; }
};

struct counting {
    using operations = effects::operations<ask>;
    int operator()(ask const&) { return ++count; }
    int count = 0;
};
struct counting_anyhow {
    using operations = effects::operations<ask>;
    int operator()(ask const&) const { return ++count; }
    mutable int count = 0;
};

int main() {
    auto body = [] { return effects::perform(ask{}); };
    int sum = effects::handle(body, [](ask const&) { return 1; });
    sum += effects::handle(body, named{});
    sum += effects::handle(body, effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
    sum += effects::handle(body, effects::aborts<ask>([](ask const&) { return 1; }));
    sum += effects::handle(body, effects::on<ask>([](auto const&) { return 1; }));
    counting one;
    sum += effects::handle(body, one);
    counting_anyhow const fixed;
    sum += effects::handle(body, fixed);
    effects::handle([] { effects::perform(ask{}); }, one, effects::returns([] { return 2; }));
    return effects::handle(
        body, [](ask) { return sizeof(sum) > 1 ? 1 : 0; }, effects::returns([](int v) { return v; }));
}
