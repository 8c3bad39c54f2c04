// SPDX-License-Identifier: BSL-1.0
#include <effects/test.hpp>

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
    return effects::test::run([] { return effects::perform(ask{}); }, through{});
}
