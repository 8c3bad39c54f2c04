// SPDX-License-Identifier: BSL-1.0
#include <functional>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

struct through {
    using operations = effects::operations<ask>;
    using performs = effects::operations<other>;
    int operator()(ask const&) const { return effects::perform(other{}); }
};

int main() {
    return effects::handle([](effects::can<ask> fx) { return fx.perform(ask{}); }, [](other const&) { return 2; },
                           through{}); // the wrong way round
}
