// SPDX-License-Identifier: BSL-1.0
#include <functional>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

// What the others get wrong, done right.
struct shop {
    int open(effects::can<ask, other> fx) { return fx.perform(ask{}) + fx.perform(other{}); }
};
int asks_both(effects::can<other, ask> fx) { return fx.perform(ask{}) + fx.perform(other{}); }
int asks(effects::can<ask> fx) { return fx.perform(ask{}); }

struct through {
    using operations = effects::operations<ask>;
    using performs = effects::operations<other>;
    int operator()(ask const&) const { return effects::perform(other{}); }
};

int main() {
    auto one = [](ask const&) { return 1; };
    auto two = [](other const&) { return 2; };
    shop s;
    int sum = effects::handle(asks_both, one, two);
    sum += effects::handle([](effects::can<ask, other> fx) { return asks_both(fx) + asks(fx); }, one, two);
    sum += effects::handle([](auto fx) { return fx.perform(ask{}); }, one);
    sum += effects::handle(std::bind_front(&shop::open, &s), one, two);
    sum += effects::handle([&](effects::can<ask> fx) { return fx.handle(asks_both, two); }, one);
    sum += effects::handle(asks, through{}, two);
    sum += effects::handle([](effects::can<other> fx) { return fx.handle(asks, through{}); }, two);
    return sum;
}
