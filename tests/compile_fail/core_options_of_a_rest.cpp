// SPDX-License-Identifier: BSL-1.0
#include <utility>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int resume_on_larger(effects::shallow::rest<int> body) {
    return effects::shallow::handle({.stack_size = 1 << 20}, std::move(body),
                                    effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
}
int main() { return resume_on_larger({}); }
