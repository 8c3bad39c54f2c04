// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct find_name {
    using result_type = std::string const&;
    static std::string default_answer(find_name const&) { return "gone"; }
};

int main() { effects::perform(find_name{}); }
