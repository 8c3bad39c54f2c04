// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include <effects/async/time.hpp>

namespace effects::async {

/// What debug mode finds.
enum class debug_finding {
    slow_task,              ///< a task holds, or has held, its thread for long: the others of its world could not run
    swallowed_cancellation, ///< a task was told that it is cancelled, caught that, and went on
    long_wait,              ///< a task group whose body has ended waits for its tasks for long
    lock_over_suspension,   ///< a task waits while it has a `must_not_suspend` (a `thread_lock`)
};
std::string_view to_string(debug_finding finding) noexcept;
std::ostream& operator<<(std::ostream& out, debug_finding finding);

/// One finding. Prints as one line:
///
///     slow task: main/report (spawned at orders.cpp:17) held its thread for 212 ms, then waited in sleep
struct debug_report {
    debug_finding finding = debug_finding::slow_task;
    std::string task = {};       ///< its path, as in `dump`
    std::string spawned_at = {}; ///< "orders.cpp:17"; empty where that is not known: see `spawn_options::where`
    std::string details = {};

    bool operator==(debug_report const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, debug_report const& r);
};

/// What debug mode reports, and to whom. Switched on where a world is run, by its option `debug`; `live` also looks at the environment
/// (EFFECTS_DEBUG=1). Without it nothing is measured.
///
///     live::run({.debug = true}, serve);
///     sim::run({.debug = true, .debugging = {.long_wait = 1min, .report = keep}}, body);
struct debug_options {
    /// How long a task may hold its thread, from where it goes on to where it waits. In `live` only: elsewhere nothing takes time.
    duration slow_task = std::chrono::milliseconds(50);
    /// How long a group may wait for its tasks when its body has ended, in the world's time. `duration::max()` here, and above: any time.
    duration long_wait = std::chrono::seconds(10);
    /// Gets the reports; else each is a line on standard error. Called where things are found out, in a task or between them, and in
    /// `live` from a second thread too, maybe at the same time. Must not suspend; what it throws is lost.
    std::function<void(debug_report const&)> report = {};
};

} // namespace effects::async
