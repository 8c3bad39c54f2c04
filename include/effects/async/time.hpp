// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

namespace effects::async {

/// Instants of the world's steady time: the machine's in `live`, virtual in `sim`.
using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using duration = std::chrono::nanoseconds;

inline constexpr time_point never = time_point::max();

/// Now, as the running task's scheduler has it (read once a turn of its loop, so cheap).
time_point now();

/// `now() + d`, or `never` where that is out of range; a negative `d` counts as zero.
constexpr time_point after(time_point from, duration d) noexcept {
    if (d <= duration::zero()) return from;
    return d >= never - from ? never : from + d;
}

// Any std::chrono duration, saturating instead of overflowing: hours::max() is "no limit".
template <class Rep, class Period>
constexpr duration clamp_duration(std::chrono::duration<Rep, Period> d) noexcept {
    constexpr std::chrono::duration<long double> most = duration::max();
    std::chrono::duration<long double> seconds = d;
    if (seconds >= most) return duration::max();
    if (seconds <= -most) return -duration::max();
    return std::chrono::duration_cast<duration>(d);
}

} // namespace effects::async
