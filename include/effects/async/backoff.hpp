// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>

#include <effects/async/time.hpp>

namespace effects::async {

/// A random number in [0, 1), for jitter. Made by the world where nobody handles it: the same in every run of a simulated world
/// with the same seed, whatever the other tasks do; 0.5 outside a world.
///
///     effects::handle(body, [](async::draw_jitter const&) { return 0.0; });   // none, in this test
struct draw_jitter {
    using result_type = double;
    static double default_answer(draw_jitter const&);
};

/// How long to wait before trying again. A value; the functions below make and change it.
///
///     async::exponential(100ms)                       // 100 ms, 200 ms, 400 ms, … up to 30 s
///     async::exponential(100ms).jitter().cap(5s)
class backoff {
public:
    /// `first` before the second attempt, `factor` times the one before from then on.
    backoff(duration first, double factor) noexcept
        : first_(first), factor_(factor), cap_(std::max<duration>(first, std::chrono::seconds(30))) {}

    /// The same wait every time: `.open_for = 30s`.
    template <class Rep, class Period>
    backoff(std::chrono::duration<Rep, Period> wait) noexcept : backoff(clamp_duration(wait), 1.0) {}

    /// Takes a random part of up to `share` (0 to 1) off each wait, so that clients that failed together don't come back together:
    /// by default each wait is between a half and the whole; 1.0 is "full jitter".
    [[nodiscard]] backoff jitter(double share = 0.5) const noexcept;
    /// No wait is longer than `most`; unless set, than 30 s or the first one.
    template <class Rep, class Period>
    [[nodiscard]] backoff cap(std::chrono::duration<Rep, Period> most) const noexcept {
        return with_cap(clamp_duration(most));
    }
    [[nodiscard]] backoff factor(double f) const noexcept;

    /// The wait after so many failed attempts (from 1), without jitter.
    duration after_attempt(int failed) const noexcept;
    /// The same with jitter: performs `draw_jitter` if it has some.
    duration draw(int failed) const;

private:
    backoff with_cap(duration most) const noexcept;

    duration first_;
    double factor_;
    double jitter_ = 0.0;
    duration cap_;
};

/// Each wait twice the one before.
template <class Rep, class Period>
backoff exponential(std::chrono::duration<Rep, Period> first) noexcept {
    return {clamp_duration(first), 2.0};
}
/// The same wait every time.
template <class Rep, class Period>
backoff constant(std::chrono::duration<Rep, Period> wait) noexcept {
    return {clamp_duration(wait), 1.0};
}

} // namespace effects::async
