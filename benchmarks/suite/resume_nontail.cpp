// SPDX-License-Identifier: BSL-1.0
// Clauses that go on after their resume has returned: a chain of them, as long as the body's loop.
#include "input.hpp"

#include <utility>

#include <effects/effects.hpp>

namespace {

struct combine {
    using result_type = void;
    std::int64_t x;
};

std::int64_t loop(std::int64_t n, std::int64_t s) {
    for (std::int64_t i = n; i > 0; --i) effects::perform(combine{i});
    return s;
}

std::int64_t run(std::int64_t n) {
    std::int64_t s = 0;
    for (int round = 0; round < 1000; ++round)
        s = effects::handle([n, s] { return loop(n, s); }, effects::control<combine>([](combine op, auto k) {
                                std::int64_t y = std::move(k).resume();
                                return suite::mix(op.x, y);
                            }));
    return s;
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 20'000, run); }
