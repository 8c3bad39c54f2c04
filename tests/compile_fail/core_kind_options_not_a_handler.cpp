// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>
#include <effects/multishot.hpp>

int main() {
    return effects::KIND::handle(
        {.stack_size = 1 << 20}, [] { return 1; }, 5);
}
