// SPDX-License-Identifier: BSL-1.0
#include <effects/async.hpp>
#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int look() {
    return effects::handle([] { return effects::perform(ask{}); },
                           effects::async::guarding<ask>(effects::async::circuit_breaker()),
                           [](ask const&) { return 1; });
}
