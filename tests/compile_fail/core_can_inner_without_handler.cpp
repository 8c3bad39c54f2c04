// SPDX-License-Identifier: BSL-1.0
#include <functional>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

int main() {
    return effects::handle(
        [](effects::can<ask> fx) { return fx.handle([](effects::can<ask, other> all) { return all.perform(ask{}); }); },
        [](ask const&) { return 1; });
}
