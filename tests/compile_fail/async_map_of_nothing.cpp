// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include <effects/async.hpp>

void look(std::vector<int>& numbers) {
    effects::async::map(numbers, [](int&) {});
}
