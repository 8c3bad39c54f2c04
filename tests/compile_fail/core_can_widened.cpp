// SPDX-License-Identifier: BSL-1.0
#include <functional>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

int asks(effects::can<ask, other> fx) { return fx.perform(ask{}); }

int main() {
    return effects::handle([](effects::can<ask> fx) { return asks(fx); }, [](ask const&) { return 1; });
}
