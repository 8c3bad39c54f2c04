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
    return effects::handle(
        [](effects::can<other> fx) {
            return effects::KIND::handle(
                fx, [](int n) { return n; }, effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
        },
        [](other const&) { return 2; });
}
