// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};
struct audit;

int asks(effects::can<effects::tagged<audit, ask>> fx) { return fx.perform(effects::at<audit>(ask{})); }

int main() {
    return effects::handle(asks, [](ask const&) { return 1; });
}
