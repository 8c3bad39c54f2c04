// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <effects/async/backoff.hpp>
#include <effects/async/cancelled.hpp>
#include <effects/async/outcome.hpp>
#include <effects/async/outcome_predicate.hpp>
#include <effects/async/retry_budget.hpp>
#include <effects/async/time.hpp>

namespace effects::async {

/// How `retry` goes about it.
struct retry_options {
    int attempts = 3; ///< in all, the first included
    async::backoff backoff = exponential(std::chrono::milliseconds(100)).jitter();
    outcome_predicate when = is_transient; ///< what is tried again
    /// The longest wait that the other side can ask for, by `error::retry_after()` or the result's own (an `http::response` has one); what is
    /// asked beyond it is not waited for. Zero: nobody is asked.
    duration max_retry_after = std::chrono::minutes(1);
    /// Further attempts take their tokens here; shared with other calls, and outlives them. Null: none is asked.
    retry_budget* budget = nullptr;
};

namespace detail {

template <class T>
concept asks_to_wait = requires(T const& v) {
    { v.retry_after() } -> std::convertible_to<std::optional<duration>>;
};

// One `retry` in progress.
class attempts {
public:
    explicit attempts(retry_options const& how);
    int number() const noexcept { return number_; } // of this attempt, from 1
    // After one that failed: waits, and counts; false where it was the last, the next one would begin after the deadline, or the budget has
    // no token for it.
    bool next(std::optional<duration> asked);
    bool next_after_error(std::exception_ptr const& e);
    template <class T>
    bool next_after_value(T const& value) {
        if constexpr (asks_to_wait<T>)
            return next(value.retry_after());
        else
            return next(std::nullopt);
    }
    void succeeded() noexcept {
        if (how_.budget) how_.budget->succeeded();
    }
    // Throws `e` with what was tried as its context.
    [[noreturn]] void give_up(std::exception_ptr e, bool again) const;

private:
    retry_options const& how_;
    int number_ = 1;
    char const* hindered_by_ = nullptr; // of an attempt that there could have been
};

} // namespace detail

/// Calls `f` until it succeeds: what `when` says yes to, exception or result, is tried again, after a wait: that of the backoff, or as long as the
/// other side asks (Retry-After), whichever is longer.
///
///     auto rates = async::retry({.attempts = 5, .backoff = async::exponential(100ms).jitter(), .when = async::is_transient},
///                               [&] { return fetch_rates(); });
///
/// `f` may take the attempt's number, from 1. The last attempt's exception is thrown (an `effects::error` with the number of attempts as its
/// context) and its result returned. Where the next attempt would begin after the enclosing `deadline()`, or the budget is used up, there is none.
/// Cancellation is never retried. `attempts` below 1 is a `std::invalid_argument`, and so is a `when` that looks at values of
/// another type than `f`'s. Cancelling it while it waits makes no further attempt, and gives the budget its token back.
template <class F>
    requires(std::is_invocable_v<F&> || std::is_invocable_v<F&, int>)
decltype(auto) retry(retry_options const& how, F&& f) {
    detail::attempts tries(how);
    auto call = [&]() -> decltype(auto) {
        if constexpr (std::is_invocable_v<F&, int>)
            return f(tries.number());
        else
            return f();
    };
    using result = decltype(call());
    how.when.check_result<std::decay_t<result>>("async::retry");
    for (;;) {
        detail::held_result<result> value;
        if (auto error = detail::error_of([&] { value.take_from(call); })) {
            bool again = how.when.error(error);
            if (!again || !tries.next_after_error(error)) tries.give_up(std::move(error), again);
        } else if (!value.picked_by(how.when)) {
            tries.succeeded();
            return value.take();
        } else if (!tries.next_after_value(value.look())) {
            return value.take();
        }
    }
}
template <class F>
    requires(std::is_invocable_v<F&> || std::is_invocable_v<F&, int>)
decltype(auto) retry(F&& f) { return retry(retry_options{}, std::forward<F>(f)); }

/// `retry` as a policy, for `guarding` and `policies`:
///
///     effects::handle(body, async::guarding<http::request>(async::retrying({.attempts = 5})), http::client{});
class retrying {
public:
    explicit retrying(retry_options how = {});

    template <class F>
    decltype(auto) run(F&& f) const {
        return retry(how_, std::forward<F>(f));
    }

private:
    retry_options how_;
};

} // namespace effects::async
