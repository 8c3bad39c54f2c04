// SPDX-License-Identifier: BSL-1.0
// State as two operations, performed in a loop.
#include "input.hpp"

#include <effects/effects.hpp>

namespace {

struct get {
    using result_type = std::int64_t;
};
struct put {
    using result_type = void;
    std::int64_t value;
};

std::int64_t countdown() {
    std::int64_t i = effects::perform(get{});
    while (i > 0) {
        effects::perform(put{i - 1});
        i = effects::perform(get{});
    }
    return i;
}

std::int64_t run(std::int64_t n) {
    return effects::handle([] { return countdown(); }, [&n](get) { return n; }, [&n](put op) { n = op.value; });
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 1'000'000'000'000, run); }
