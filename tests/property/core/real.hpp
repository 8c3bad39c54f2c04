// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"
#include "trace.hpp"

#include <cstddef>

// Runs a program on the library.
namespace property {

struct observed {
    trace events;
    int alive = 0; // bodies and clauses that were not destroyed
};

// After more than `expected` events it does nothing more.
observed run(program const& p, std::size_t expected);

} // namespace property
