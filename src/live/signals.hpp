// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace effects::live::detail {

// While one exists, SIGINT and SIGTERM make `fd()` readable instead of ending the process; the second one ends it
// after all, even if nobody gets to read. What was installed before comes back with the last one. A signal that was ignored before
// stays so.
class shutdown_signals {
public:
    shutdown_signals();
    shutdown_signals(shutdown_signals const&) = delete;
    shutdown_signals& operator=(shutdown_signals const&) = delete;
    ~shutdown_signals();

    int fd() const noexcept;

private:
    std::size_t place_;
};

} // namespace effects::live::detail
