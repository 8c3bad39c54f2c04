// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>
#include <effects/multishot.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

struct third {
    using result_type = int;
};

int main() {
    return effects::handle(
        [](effects::can<third> fx) {
            return effects::KIND::handle(
                fx, [](effects::can<ask, other> in) { return in.perform(ask{}); },
                effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
        },
        [](third const&) { return 3; });
}
