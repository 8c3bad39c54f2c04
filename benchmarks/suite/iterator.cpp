// SPDX-License-Identifier: BSL-1.0
// A range that emits its numbers, and a handler that adds them up.
#include "input.hpp"

#include <effects/effects.hpp>

namespace {

struct emit {
    using result_type = void;
    std::int64_t value;
};

void range(std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i <= last; ++i) effects::perform(emit{i});
}

std::int64_t run(std::int64_t n) {
    std::int64_t sum = 0;
    effects::handle([n] { range(0, n); }, [&sum](emit op) { sum += op.value; });
    return sum;
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 1'000'000'000'000, run); }
