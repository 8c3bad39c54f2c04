// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <string>

namespace core_test {

// How a child process ended, and what it wrote to its standard error.
struct ending {
    bool exited = false; // by itself
    int code = 0;        // its exit code, or the signal that ended it
    std::string errors;
};

// Runs `f` in a forked child, which ends with 0 after it.
ending in_child(std::function<void()> const& f);

} // namespace core_test
