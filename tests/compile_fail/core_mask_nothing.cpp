// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>

int main() {
    return effects::mask([] { return 1; });
}
