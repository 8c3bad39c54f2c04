// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/async/scheduler.hpp>
#include <effects/operation.hpp>
#include <effects/os/detail/wait_turn.hpp>

namespace effects::sim::detail {

// Where the live world waits for a worker thread or the machine, a task takes a turn with the others; then its work is done in place, in no
// time. Installed inside the scheduler, since it suspends.
struct turns {
    using operations = effects::operations<async::run_blocking, os::detail::wait_turn>;

    void operator()(async::run_blocking const& op) const;
    void operator()(os::detail::wait_turn const& op) const;
};

} // namespace effects::sim::detail
