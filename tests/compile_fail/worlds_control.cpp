// SPDX-License-Identifier: BSL-1.0
#include <functional>

#include <effects/live.hpp>
#include <effects/sim.hpp>
#include <effects/test.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};
struct through {
    using operations = effects::operations<ask>;
    using performs = effects::operations<other, effects::os::operations::random_bits>;
    int operator()(ask const&) const { return effects::perform(other{}); }
};

struct shop {
    int open(effects::can<ask, other> fx) { return fx.perform(ask{}) + fx.perform(other{}); }
};
int asks(effects::can<ask, other> fx) { return fx.perform(ask{}); }
int of_the_world(effects::can<ask, effects::os::operations::random_bits, effects::net::connect> fx) {
    return fx.perform(ask{});
}

int main() {
    auto one = [](ask const&) { return 1; };
    auto two = [](other const&) { return 2; };
    effects::test::mock world;
    int sum = effects::live::run(asks, one, two) + effects::live::run({}, of_the_world, one);
    sum += effects::sim::run(asks, one, two) + effects::sim::run({.seed = 7}, of_the_world, one);
    sum += effects::test::run(asks, one, two) + effects::test::run({.seed = 7}, of_the_world, one);
    sum += effects::test::run(asks, world) + effects::sim::run(asks, effects::handlers(world));
    sum += effects::live::run(asks, through{}, two) + effects::sim::run(asks, through{}, two) +
           effects::test::run(asks, through{}, two);
    shop s;
    sum += effects::live::run(std::bind_front(&shop::open, &s), one, two) +
           effects::sim::run(std::bind_front(&shop::open, &s), one, two) +
           effects::test::run(std::bind_front(&shop::open, &s), one, two);
    return sum + effects::test::run(asks, through{}, world);
}
