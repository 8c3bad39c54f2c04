// SPDX-License-Identifier: BSL-1.0
#include <effects/sim.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

int asks(effects::can<ask, other> fx) { return fx.perform(ask{}); }

int main() {
    return effects::sim::run(asks, [](ask const&) { return 1; });
}
