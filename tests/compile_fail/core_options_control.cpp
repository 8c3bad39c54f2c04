// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

// What the others get wrong, done right.
int main() {
    auto one = effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); });
    return effects::handle(
               {.stack_size = 1 << 20}, [] { return effects::perform(ask{}); }, one) +
           effects::shallow::handle(
               {.stack_size = 1 << 20}, [] { return effects::perform(ask{}); },
               effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
}
