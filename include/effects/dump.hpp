// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>

namespace effects {

/// Prints the handler stack of this thread: what `perform` would search, innermost first, grouped by the stack that it lies on, with
/// how full that is.
///
///     handlers in force, innermost first
///       on the stack of a handled body in task main/2, 3 KiB of 252 KiB in use, 8 KiB touched:
///         on shop::refund_card, made at shop.cpp:7
///         control shop::choose, made at shop.cpp:8
///       on the stack of task main/2, 5 KiB of 252 KiB in use, 8 KiB touched:
///       on another task's stack:
///         http::client: http::request, installed around serve(int)::<lambda()>
///
/// The first group is where the caller runs, and is there even when nothing is installed on it. A clause made by `on`, `control` or
/// `aborts` shows where it was made. A handler object or a bare lambda doesn't know that; it shows the body that
/// it was installed around, which compilers call by the function it stands in (g++) or its file and line (clang), but
/// nothing where the body is a function's name or one of the library's own.
///
/// For a debugger or a log; it allocates, and its words are not for parsing.
void dump(std::ostream& out);

} // namespace effects
