// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace property {

struct observed {
    std::string objection;  // what the reference does not allow; empty: nothing
    std::vector<int> trace; // of all that happened, in order
    std::uint64_t interruptions = 0;
    std::uint64_t times = 0; // that the clock went on
    bool failed = false;     // a failure left the whole
};

// Runs it over the library, in a simulated world, and tells the reference.
observed run(program const& p);

} // namespace property
