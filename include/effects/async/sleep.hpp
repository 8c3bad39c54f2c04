// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/async/time.hpp>

namespace effects::async {

/// Suspends the task until the world's time is `at` or later. Cancelling leaves nothing behind.
void sleep_until(time_point at);

namespace detail {
void sleep(duration d);
}

/// Suspends the task for `d`; zero or less is a `yield`. Cancelling leaves nothing behind.
///
///     async::sleep_for(100ms);
template <class Rep, class Period>
void sleep_for(std::chrono::duration<Rep, Period> d) {
    detail::sleep(clamp_duration(d));
}

/// Lets other ready tasks run: all of them once in `live`, some of them, as the seed has it, in `sim`. Cancelling leaves nothing behind.
void yield();

/// Throws `cancelled` if the task is cancelled; never suspends. For long computations between suspension points.
void checkpoint();

} // namespace effects::async
