// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int main() {
    return effects::handle([] { return effects::perform(ask{}); }, [](auto const&) { return 1; });
}
