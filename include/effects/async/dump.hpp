// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>

namespace effects::async {

/// Writes the tree of the tasks of this thread's world, one a line: each under the one whose group it is in, with what it waits for, who
/// has what it waits for where that is known, and whether it is cancelled. Never suspends. Outside a task it says so.
///
///     main runs
///       main/reader waits in channel::receive
///       main/2 waits in mutex::lock, held by main/reader
///       main/refresher waits in sleep for a time, a daemon
void dump(std::ostream& out);

} // namespace effects::async
