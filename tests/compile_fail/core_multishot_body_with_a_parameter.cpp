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
    return effects::multishot::handle([](int n) { return n; },
                                      effects::control<ask>([](ask, auto k) { return k.resume(1); }));
}
