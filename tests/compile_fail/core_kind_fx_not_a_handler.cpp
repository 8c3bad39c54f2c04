// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>
#include <effects/multishot.hpp>

struct ask {
    using result_type = int;
};

int main() {
    return effects::handle(
        [](effects::can<ask> fx) {
            return effects::KIND::handle(
                fx, [] { return 1; }, 5);
        },
        [](ask) { return 1; });
}
