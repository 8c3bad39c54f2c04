// SPDX-License-Identifier: BSL-1.0
// Three falling numbers with a given sum, found by flipping coins.
#include "input.hpp"

#include <utility>

#include <effects/effects.hpp>
#include <effects/multishot.hpp>

namespace {

struct flip {
    using result_type = bool;
};
struct fail {
    using result_type = void;
};

constexpr std::int64_t modulus = 1'000'000'007;

std::int64_t choice(std::int64_t n) {
    if (n < 1) effects::perform(fail{});
    return effects::perform(flip{}) ? n : choice(n - 1);
}

std::int64_t triple(std::int64_t n, std::int64_t sum) {
    std::int64_t i = choice(n);
    std::int64_t j = choice(i - 1);
    std::int64_t k = choice(j - 1);
    if (i + j + k != sum) effects::perform(fail{});
    return (53 * i + 2809 * j + 148877 * k) % modulus;
}

std::int64_t run(std::int64_t n) {
    return effects::multishot::handle([n] { return triple(n, n); }, effects::control<flip>([](flip, auto k) {
                                          std::int64_t heads = k.resume(true);
                                          return (heads + k.resume(false)) % modulus;
                                      }),
                                      effects::control<fail>([](fail, auto k) {
                                          std::move(k).forget(); // the body owns nothing
                                          return std::int64_t{0};
                                      }));
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 1000, run); }
