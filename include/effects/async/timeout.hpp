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
    // In a catch block, of `cancelled`: goes on where it was this deadline's, throws what it is otherwise.
    void pass_on_others() const;
    [[noreturn]] void throw_timed_out(std::string_view phase) const;

private:
    duration limit_;
    time_point begun_;
    scope scope_;
};

} // namespace detail

/// Runs `f` in this task; when it has not returned within `limit`, it is cancelled where it waits, and `timed_out` is thrown,
/// which names `phase`, the limit and the time that passed.
///
///     auto rate = async::timeout(800ms, [&] { return fetch_rate("EUR"); });
///
/// An `f` that returns all the same (it did not suspend any more) has its value returned. Costs nothing until something suspends,
/// and one timer then. Deadlines nest: the earliest wins.
template <class Rep, class Period, class F>
std::invoke_result_t<F> timeout(std::chrono::duration<Rep, Period> limit, std::string_view phase, F&& f) {
    detail::deadline_scope deadline(clamp_duration(limit));
    try {
        return std::forward<F>(f)();
    } catch (cancelled const&) {
        deadline.pass_on_others();
    }
    deadline.throw_timed_out(phase);
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
    using result = std::invoke_result_t<F>;
    using value = std::conditional_t<std::is_void_v<result>, unit, result>;
    detail::deadline_scope deadline(clamp_duration(limit));
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

/// When the earliest `timeout` ends that can cancel the caller: those around it in this task and, through its group, in the tasks
/// that wait for it, up to a `shield`; `never` without one.
time_point deadline();

} // namespace effects::async
