// SPDX-License-Identifier: BSL-1.0
#pragma once

// What happens when a stack of ours overflows: the access to its guard page is a SIGSEGV, whose handler says whose stack
// it was and what to do, and then lets the signal do what it did before.

namespace effects::detail {

// This thread is about to run something on a stack of ours. A few system calls.
void watch_for_overflow() noexcept;

} // namespace effects::detail
