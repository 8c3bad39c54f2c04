// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/scope.hpp>
#include <effects/detail/kept.hpp>
#include <effects/operation.hpp>

namespace effects::async {

namespace detail {

// A scope with a deadline that knows whether it was this deadline that ended it.
class deadline_scope {
public:
    explicit deadline_scope(duration limit);
    explicit deadline_scope(time_point at);
    // In a catch block, of `cancelled`: goes on where it was this deadline's, throws what it is otherwise.
    void pass_on_others() const;
    [[noreturn]] void throw_timed_out(std::string_view phase) const;

private:
    duration limit_;
    time_point begun_;
    scope scope_;
};

// `Limit`: a duration, or an instant. `f` is an F.
template <class F, class Limit>
std::invoke_result_t<F> run_or_throw(Limit limit, std::string_view phase, std::remove_reference_t<F>& f) {
    deadline_scope deadline(limit);
    try {
        return std::forward<F>(f)();
    } catch (cancelled const&) {
        deadline.pass_on_others();
    }
    deadline.throw_timed_out(phase);
}

template <class F, class Limit>
auto run_or_nothing(Limit limit, std::remove_reference_t<F>& f) {
    using result = std::invoke_result_t<F>;
    using value = std::conditional_t<std::is_void_v<result>, unit, result>;
    deadline_scope deadline(limit);
    try {
        if constexpr (std::is_void_v<result>) {
            std::forward<F>(f)();
            return std::optional<value>(std::in_place);
        } else {
            return std::optional<value>(std::forward<F>(f)());
        }
    } catch (cancelled const&) {
        deadline.pass_on_others();
    }
    return std::optional<value>();
}

} // namespace detail

/// Runs `f` in this task; when it has not returned within `limit`, it is cancelled where it waits, and `timed_out` is thrown,
/// which names `phase`, the limit and the time that passed.
///
///     auto rate = async::timeout(800ms, [&] { return fetch_rate("EUR"); });
///
/// An `f` that returns all the same (it did not suspend any more) has its value returned. Costs nothing until something suspends,
/// and one timer then. Deadlines nest: the earliest wins. Cancelling the caller cancels `f`, and leaves as `cancelled`, not as `timed_out`.
template <class Rep, class Period, class F>
std::invoke_result_t<F> timeout(std::chrono::duration<Rep, Period> limit, std::string_view phase, F&& f) {
    return detail::run_or_throw<F>(clamp_duration(limit), phase, f);
}
template <class Rep, class Period, class F>
std::invoke_result_t<F> timeout(std::chrono::duration<Rep, Period> limit, F&& f) {
    return timeout(limit, "timeout", std::forward<F>(f));
}

/// The same, as a value: an empty optional when the time is over. Of a void `f`: `optional<unit>`.
///
///     if (auto line = async::try_timeout(5s, [&] { return in.read_line(); })) …
template <class Rep, class Period, class F>
auto try_timeout(std::chrono::duration<Rep, Period> limit, F&& f) {
    return detail::run_or_nothing<F>(clamp_duration(limit), f);
}

/// The same up to an instant of the world's time: for a limit that is set once, for all steps of something. What it cancels is told
/// `reason::deadline`. An instant that has passed lets `f` go to its first suspension.
///
///     auto until = async::now() + 2s;
///     auto stock = async::timeout_at(until, [&] { return fetch_stock(sku); });
///     auto price = async::timeout_at(until, [&] { return fetch_price(sku); });    // in what is left of the two seconds
template <class F>
std::invoke_result_t<F> timeout_at(time_point at, std::string_view phase, F&& f) {
    return detail::run_or_throw<F>(at, phase, f);
}
template <class F>
std::invoke_result_t<F> timeout_at(time_point at, F&& f) {
    return detail::run_or_throw<F>(at, "deadline", f);
}
template <class F>
auto try_timeout_at(time_point at, F&& f) {
    return detail::run_or_nothing<F>(at, f);
}

/// The earliest instant at which a `timeout` or `timeout_at` can cancel the caller: of those around it in this task and, through its
/// group, in the tasks that wait for it, up to a `shield`; `never` without one.
///
///     if (auto until = async::deadline(); until != async::never) request.header("X-Time-Left", text(until - async::now()));
time_point deadline();

} // namespace effects::async
