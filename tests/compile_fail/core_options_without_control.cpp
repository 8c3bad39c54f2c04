// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int main() {
    return effects::handle(
        {.stack_size = 1 << 20}, [] { return effects::perform(ask{}); }, [](ask) { return 1; });
}
