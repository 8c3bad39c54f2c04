// SPDX-License-Identifier: BSL-1.0
// A sieve of handlers, one for each prime: thousands nested, each asking the next one out.
#include "input.hpp"

#include <effects/effects.hpp>

namespace {

struct prime {
    using result_type = bool;
    std::int64_t candidate;
};

// The sum of the primes from `i` below `n`.
std::int64_t primes(std::int64_t i, std::int64_t n, std::int64_t sum) {
    while (i < n && !effects::perform(prime{i})) ++i;
    if (i >= n) return sum;
    return effects::handle([=] { return primes(i + 1, n, sum + i); },
                           [i](prime const& op) {
                               if (op.candidate % i == 0) return false;
                               return effects::perform(op);
                           });
}

std::int64_t run(std::int64_t n) {
    return effects::handle([n] { return primes(2, n, 0); }, [](prime const&) { return true; });
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 200'000, run); }
