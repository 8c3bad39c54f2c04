// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>
#include <effects/multishot.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};
struct third {
    using result_type = int;
};
struct through {
    using operations = effects::operations<other>;
    using performs = effects::operations<third>;
    int operator()(other const&) const { return effects::perform(third{}); }
};

int main() {
    return effects::KIND::handle([] { return effects::perform(ask{}); },
                                 effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }), through{});
}
