// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

struct incomplete {
    using operations = effects::operations<ask>;
};
int main() {
    return effects::handle([] { return effects::perform(ask{}); }, incomplete{});
}
