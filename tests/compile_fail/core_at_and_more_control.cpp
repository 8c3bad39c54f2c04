// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};
struct audit;

// What the others get wrong, done right.
int asks(effects::can<effects::tagged<audit, ask>> fx) { return fx.perform(effects::at<audit>(ask{})); }

int main() {
    auto one = [](ask const&) { return 1; };
    int sum = effects::handle(asks, effects::at<audit>(one));
    sum += effects::handle(
        [&] {
            return effects::shallow::handle([] { return effects::perform(ask{}); },
                                            effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
        },
        effects::finally([] {}));
    return sum + effects::handle([] { return effects::mask<ask>([] { return effects::perform(ask{}); }); }, one, one);
}
