// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct find_name {
    using result_type = int;
};

std::string const name = "there";

int main() {
    effects::handle<std::string const&>(
        []() -> std::string const& {
            effects::perform(find_name{});
            return name;
        },
        effects::control<find_name>([](find_name, auto) { return std::string("gone"); }));
}
