// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <string>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

namespace core_test {

#ifdef UNDER_SANITIZER
inline constexpr bool running_under_sanitizer = true;
#else
inline constexpr bool running_under_sanitizer = false;
#endif

// How a child process ended, and what it wrote to its standard error.
struct ending {
    bool exited = false; // by itself
    int code = 0;        // its exit code, or the signal that ended it
    std::string errors;
};

// Runs `f` in a forked child, which ends with 0 after it.
ending in_child(std::function<void()> const& f);

} // namespace core_test
