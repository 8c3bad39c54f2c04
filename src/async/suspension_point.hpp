// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/async/detail/scheduler.hpp>

namespace effects::async::detail {

// The task has a `must_not_suspend`: tells debug mode, and throws where an exception may leave the wait (a group, say, must join
// its tasks).
[[gnu::cold]] void refuse_under_hold(task_base& task, suspend const& op);

} // namespace effects::async::detail
