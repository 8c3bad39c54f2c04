// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>
#include <string_view>

#include <effects/error.hpp>

namespace effects::async {

/// Why a task is cancelled.
enum class reason {
    requested,      ///< somebody called `cancel()`
    timed_out,      ///< a `timeout` around it expired
    deadline,       ///< the instant of a `timeout_at` around it has come
    sibling_failed, ///< another task of its group, or the group's body, threw
    lost_race,      ///< another one of a `race` or `any` was first
    group_ended,    ///< what it served is over: of daemons, of detached tasks, of what an `as_completed` left
    shutdown,       ///< the program is asked to end (SIGINT, SIGTERM)
};

std::string_view to_string(reason why) noexcept;
std::ostream& operator<<(std::ostream&, reason);

/// Thrown at the suspension points of a task that was cancelled: not an error, so not a `std::exception`. Let it pass;
/// destructors clean up on its way. One that is swallowed is thrown again at the next suspension point.
///
///     try { step(); } catch (async::cancelled const& c) { note(c.why()); throw; }
///
/// A destructor that suspends in a cancelled task has it thrown too, and so ends the program: let it suspend inside `shield`. A
/// terminate handler, set with the first one that is thrown, then says which task that was and where, and calls the one before it.
class cancelled {
public:
    explicit cancelled(reason why) noexcept : why_(why) {}
    reason why() const noexcept { return why_; }

private:
    reason why_;
};

/// A limit of time passed: base of every expiry in the library. `code()` is `std::errc::timed_out`, and it is transient: the
/// next try may be quick. What took too long may yet have happened.
///
///     timed_out: "total time of GET https://bank/rates: 2 s passed (limit 2 s)"
class timed_out : public error {
public:
    timed_out(std::string phase, std::chrono::nanoseconds limit, std::chrono::nanoseconds elapsed);

    /// What took too long.
    std::string const& phase() const noexcept { return phase_; }
    std::chrono::nanoseconds limit() const noexcept { return limit_; }
    std::chrono::nanoseconds elapsed() const noexcept { return elapsed_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    std::string phase_;
    std::chrono::nanoseconds limit_;
    std::chrono::nanoseconds elapsed_;
};

} // namespace effects::async
