// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>

#include <effects/async/time.hpp>
#include <effects/operation.hpp>

namespace effects::async {

namespace detail {
struct task_base;
}

/// The one operation that suspends: parks the running task until it is made ready again, or until `until`. Everything that waits
/// performs it; a world's scheduler answers it. Not for everyday code: see `event`, `channel`, `sleep_for`.
struct suspend {
    using result_type = void;
    static constexpr bool replayable = false; // whoever waits looks at what woke it
    time_point until = never;
    char const* what = "";    ///< what is waited for, for reports: "channel::receive"
    void const* on = nullptr; ///< the primitive
    bool ready = false;       ///< ready again at once: `yield`
};

/// Starts a task, which runs at once to its first suspension; a world's scheduler answers it. See `group::spawn`.
struct spawn {
    using result_type = void;
    static constexpr bool replayable = false;
    detail::task_base* task;
};

/// Runs `work`, which blocks its thread, and suspends the task until it has returned; `work` does not throw. `interrupt`,
/// if any, is called (from any thread, at most once) when the task is cancelled meanwhile. Without a world, or in a simulated one, it
/// runs in place. See `async::blocking`.
struct run_blocking {
    using result_type = void;
    static constexpr bool replayable = false; // `work` leaves its result elsewhere
    std::function<void()> work;
    std::function<void()> interrupt = {};

    static void default_answer(run_blocking const& op) { op.work(); }
};

} // namespace effects::async
