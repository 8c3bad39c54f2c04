// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include <effects/async.hpp>

// What the others get wrong, done right.
void look(std::vector<int>& numbers) {
    effects::async::for_each(numbers, [](int&) {});
    std::vector<long> longer = effects::async::map(numbers, [](int& n) -> long { return n; });
    static_cast<void>(longer);
}
