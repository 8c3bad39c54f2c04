// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include <effects/async.hpp>
#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

// What the others get wrong, done right.
void look(std::vector<int>& numbers) {
    effects::async::for_each(numbers, [](int&) {});
    std::vector<long> longer = effects::async::map(numbers, [](int& n) -> long { return n; });
    static_cast<void>(longer);
}

int guarded() {
    effects::async::circuit_breaker breaker;
    return effects::handle([] { return effects::perform(ask{}); },
                           effects::async::guarding<ask>(breaker, effects::async::retrying()),
                           [](ask const&) { return 1; });
}
