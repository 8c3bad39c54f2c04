// SPDX-License-Identifier: BSL-1.0
#include <functional>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

int asks(effects::can<int> fx) { return sizeof(fx); }
