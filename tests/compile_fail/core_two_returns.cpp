// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

int main() {
    auto same = [](int v) { return v; };
    return effects::handle([] { return 1; }, effects::returns(same), effects::returns(same));
}
