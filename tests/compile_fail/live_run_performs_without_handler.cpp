// SPDX-License-Identifier: BSL-1.0
#include <effects/live.hpp>

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
    return effects::live::run([] { return effects::perform(ask{}); }, through{});
}
