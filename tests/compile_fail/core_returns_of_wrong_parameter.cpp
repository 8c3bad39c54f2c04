// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int main() {
    return effects::handle([] { return effects::perform(ask{}); }, [](ask const&) { return 1; },
                           effects::returns([](std::string const&) { return 1; }));
}
