// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <iosfwd>
#include <source_location>

#include <effects/operation.hpp>
#include <effects/os/detail/movable_mutex.hpp>

namespace effects::os {

/// An instant of the calendar (UTC, without leap seconds): `os::system_now()`.
using system_time = std::chrono::sys_time<std::chrono::nanoseconds>;
/// An instant of a clock that never goes back; only differences mean something. The type of `async::time_point`.
using steady_time = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

namespace detail {
struct system_now_function {
    system_time operator()(std::source_location where = std::source_location::current()) const;
};
struct steady_now_function {
    steady_time operator()(std::source_location where = std::source_location::current()) const;
};
} // namespace detail

/// The world's calendar time: the machine's in `live`, virtual in `sim`. `os::system_now()`.
inline constexpr detail::system_now_function system_now{};
/// The world's steady time, to measure with. `os::steady_now()`.
inline constexpr detail::steady_now_function steady_now{};

namespace operations {

/// What `os::system_now()` performs.
struct system_now {
    using result_type = system_time;
    bool operator==(system_now const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, system_now const& op);
};

/// What `os::steady_now()` performs.
struct steady_now {
    using result_type = steady_time;
    bool operator==(steady_now const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, steady_now const& op);
};

} // namespace operations

/// A clock that moves only when it is told to. Any thread.
///
///     os::manual_clock clock{std::chrono::sys_days{2026y / 1 / 31}};
///     effects::handle([&] { clock.advance(24h); CHECK(is_due(invoice)); }, clock);
class manual_clock {
public:
    using operations = effects::operations<os::operations::system_now, os::operations::steady_now>;

    /// The steady time begins at zero.
    explicit manual_clock(system_time now = {}) noexcept : system_(now) {}

    /// Moves both times on; a negative `by` throws std::invalid_argument.
    void advance(std::chrono::nanoseconds by);
    /// Sets the calendar, back too, as an administrator does; the steady time stays.
    void set(system_time now);

    system_time operator()(os::operations::system_now const&) const;
    steady_time operator()(os::operations::steady_now const&) const;

private:
    mutable detail::movable_mutex mutex_;
    system_time system_;
    steady_time steady_{};
};

} // namespace effects::os
