// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>
#include <effects/multishot.hpp>

struct ask {
    using result_type = int;
};
struct other {
    using result_type = int;
};

int main() {
    return effects::KIND::handle([] { return effects::perform(ask{}); }, 5);
}
