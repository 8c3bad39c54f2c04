// SPDX-License-Identifier: BSL-1.0
#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int main() {
    return effects::shallow::handle([] { return effects::perform(ask{}); },
                                    effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }),
                                    effects::finally([] {}));
}
