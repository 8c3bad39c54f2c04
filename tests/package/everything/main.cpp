// SPDX-License-Identifier: BSL-1.0
// A user of everything: the same function in both worlds.
#include <effects/effects.hpp>
#include <effects/live.hpp>
#include <effects/sim.hpp>

#include <cstdio>

struct ask {
    using result_type = int;
};

int main() {
    auto const logic = [] { return effects::perform(ask{}) + 1; };
    auto const answers = [](ask const&) { return 41; };
    int const live = effects::live::run(logic, answers);
    int const sim = effects::sim::run(logic, answers);
    std::printf("both worlds say %d %d\n", live, sim);
    return live == 42 && sim == 42 ? 0 : 1;
}
