// SPDX-License-Identifier: BSL-1.0
// Leaves a recursion of a thousand calls early, under a fresh handler each time.
#include "input.hpp"

#include <utility>
#include <vector>

#include <effects/effects.hpp>

namespace {

struct done {
    using result_type = std::int64_t;
    std::int64_t answer;
};

// A function of its own, so that the thousand calls of `product` stay small.
[[gnu::noinline]] std::int64_t leave_with(std::int64_t answer) { return effects::perform(done{answer}); }

std::int64_t product(std::int64_t const* at, std::int64_t const* end) {
    if (at == end) return 0;
    if (*at == 0) return leave_with(0);
    return *at * product(at + 1, end);
}

std::int64_t run_once(std::vector<std::int64_t> const& numbers) {
    return effects::handle([&] { return product(numbers.data(), numbers.data() + numbers.size()); },
                           effects::control<done>([](done op, auto k) {
                               std::move(k).forget(); // the calls own nothing
                               return op.answer;
                           }));
}

std::int64_t run(std::int64_t n) {
    std::vector<std::int64_t> numbers;
    for (std::int64_t i = 1000; i >= 0; --i) numbers.push_back(i);
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += run_once(numbers);
    return sum;
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 1'000'000'000, run); }
