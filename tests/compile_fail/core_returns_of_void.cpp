// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int main() {
    return effects::handle([] { effects::perform(ask{}); }, [](ask const&) { return 1; },
                           effects::returns([](int i) { return i; }));
}
