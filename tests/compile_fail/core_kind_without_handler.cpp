// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>
#include <effects/multishot.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

int main() {
    return effects::KIND::handle([](effects::can<ask, other> fx) { return fx.perform(ask{}); },
                                 effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
}
