// SPDX-License-Identifier: BSL-1.0
// A user of the core alone.
#include <effects/effects.hpp>

#include <cstdio>

struct ask {
    using result_type = int;
};

int main() {
    int const answer = effects::handle([] { return effects::perform(ask{}) + 1; }, [](ask const&) { return 41; });
    std::printf("the core says %d\n", answer);
    return answer == 42 ? 0 : 1;
}
