// SPDX-License-Identifier: BSL-1.0
#include <effects/test.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

int asks(effects::can<ask, other> fx) { return fx.perform(ask{}); }

int main() {
    return effects::test::run(asks, [](ask const&) { return 1; });
}
