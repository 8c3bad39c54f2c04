// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace effects::live {

/// How a live world behaves.
struct options {
    /// SIGINT and SIGTERM cancel the main task (reason: shutdown); a second one ends the process. Else they are left alone.
    bool handle_signals = true;
    /// Most worker threads for `async::blocking`, started when they are needed; 0: the machine's cores, at least 4.
    std::size_t blocking_threads = 0;
};

} // namespace effects::live
