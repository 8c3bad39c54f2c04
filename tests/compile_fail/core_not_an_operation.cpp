// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <effects/effects.hpp>

struct ask {
    using result_type = int;
};

struct plain {};
int main() { effects::perform(plain{}); }
