// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int main() {
    return effects::handle([](ask const&) { return 1; }, [] { return effects::perform(ask{}); });
}
