// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>

#include <effects/async/detail/line.hpp>
#include <effects/async/time.hpp>
#include <effects/error.hpp>

namespace effects::async {

/// So many permits in each stretch of time, and what becomes of those who want more.
struct rate_limit {
    std::size_t permits = 1;
    duration per = std::chrono::seconds(1);
    /// So many may be taken at once after a pause; 0: `permits`. No stretch of `per` sees more than `permits` + `burst` of them. With 1
    /// they are spaced evenly, and what is lost by waking late is not made up for.
    std::size_t burst = 0;
    /// So many tasks wait at most, and more are refused (`rate_limited`); 0: nobody waits.
    std::size_t max_waiting = std::numeric_limits<std::size_t>::max();
    /// Who would wait longer is refused at once.
    duration max_wait = duration::max();
    std::string name = {}; ///< in errors
};

/// Thrown instead of waiting for a permit: as many wait as may, or it would take longer than it may, or than the `deadline()` leaves. Transient;
/// `retry_after()` is when the permit would come.
///
///     rate limit "search" (100 in 1 s): a permit in 250 ms, and 40 wait already, the most that may
class rate_limited : public error {
public:
    rate_limited(std::string limiter, std::string message, std::optional<duration> retry_after);

    std::string const& limiter() const noexcept { return limiter_; }
    bool transient() const noexcept override { return true; }
    std::optional<std::chrono::nanoseconds> retry_after() const noexcept override { return retry_after_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    std::string limiter_;
    std::optional<duration> retry_after_;
};

/// Lets so many calls begin in each stretch of time; the others wait in the order in which they came. A token bucket (as GCRA: no timer fills
/// it), full to begin with.
///
///     async::rate_limiter search{{.permits = 100, .per = 1s, .burst = 10}};
///     auto found = search.run([&] { return find(words); });                               // around any code
///     effects::handle(body, async::guarding<find_pages>(search), index);                  // around an operation
///
/// A waiter that is cancelled takes no permit, and those behind it move up. Any number of tasks and threads may use one at once. Its time is
/// `async::now()`, so it needs a world around it, and one limiter belongs to one world. It outlives those who wait.
class rate_limiter {
public:
    /// Throws `std::invalid_argument` where `permits` or `per` is zero, or `permits` or `burst` above a billion.
    explicit rate_limiter(rate_limit how);
    rate_limiter(rate_limiter const&) = delete;
    rate_limiter& operator=(rate_limiter const&) = delete;

    /// Suspends until `count` permits are there and nobody is before it, or throws `rate_limited`. More than `burst`: `std::logic_error`.
    /// Cancelling takes none.
    void acquire(std::size_t count = 1);
    /// False where `acquire` would wait. Never suspends.
    bool try_acquire(std::size_t count = 1);

    /// `acquire()`, then `f`; cancelling `f` does not give the permit back.
    template <class F>
    std::invoke_result_t<F&> run(F&& f) {
        acquire();
        return f();
    }

    /// Permits that could be taken now.
    std::size_t available() const;
    /// Tasks that wait.
    std::size_t waiting() const noexcept;
    std::string const& name() const noexcept { return how_.name; }

    static constexpr bool calls_once = true; ///< what it runs; for `guarding`

private:
    bool take(time_point at, std::size_t count) noexcept;
    time_point earliest(time_point at, std::size_t count) const noexcept;
    void check(std::size_t count) const;
    [[noreturn]] void refuse(time_point at, time_point permit, std::string why) const;

    rate_limit how_;
    std::mutex mutable mutex_;
    time_point full_at_ =
        {};                 // when the bucket is full if nobody takes any more, and a part of a nanosecond after that:
    std::int64_t part_ = 0; // in `permits`ths
    detail::line waiting_;
    std::size_t wanted_ = 0; // by those who wait
};

} // namespace effects::async
