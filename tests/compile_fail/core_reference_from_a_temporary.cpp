// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct find_name {
    using result_type = std::string const&;
};

int main() {
    effects::handle([] { effects::perform(find_name{}); }, [](find_name) { return std::string("gone"); });
}
