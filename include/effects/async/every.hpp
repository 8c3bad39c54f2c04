// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>
#include <utility>

#include <effects/async/time.hpp>

namespace effects::async {

namespace detail {

// The beats of `every`, counted from its first call.
class beats {
public:
    explicit beats(duration period);
    void wait_for_next(); // at least the next; those that are past by then are left out
private:
    duration period_;
    time_point last_;
};

} // namespace detail

/// Calls `f` now and then once a period, until the task is cancelled, or `f` throws, or `f` returns false (if it returns a bool). The
/// beats are counted from the first call and don't drift; an `f` that takes longer than a period misses beats, and no calls
/// pile up.
///
///     g.spawn([&] { async::every(60s, [&] { cache.refresh(); }); });
///
/// A period of zero or less is a `std::invalid_argument`. Cancelling it between two calls leaves nothing behind.
template <class Rep, class Period, class F>
    requires std::is_invocable_v<F&>
void every(std::chrono::duration<Rep, Period> period, F&& f) {
    for (detail::beats beat(clamp_duration(period));; beat.wait_for_next()) {
        if constexpr (std::is_same_v<std::invoke_result_t<F&>, bool>) {
            if (!f()) return;
        } else {
            f();
        }
    }
}

} // namespace effects::async
