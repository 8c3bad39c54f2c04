// SPDX-License-Identifier: BSL-1.0
#include <functional>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

struct shop {
    int open(effects::can<ask, other> fx) { return fx.perform(ask{}); }
};

int main() {
    shop s;
    return effects::handle(std::bind_front(&shop::open, &s), [](ask const&) { return 1; });
}
