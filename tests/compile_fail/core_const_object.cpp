// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

struct counting {
    using operations = effects::operations<ask>;
    int operator()(ask const&) { return ++count; }
    int count = 0;
};

int main() {
    counting const fixed{};
    return effects::handle([] { return effects::perform(ask{}); }, fixed);
}
