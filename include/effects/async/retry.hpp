// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/async/backoff.hpp>
#include <effects/async/cancelled.hpp>
#include <effects/async/outcome.hpp>
#include <effects/async/time.hpp>
#include <effects/detail/type_name.hpp>

namespace effects::async {

/// `e.transient()`: what may go away by itself, whichever module threw it. A refused connection, a 503 of `raise_for_status`, a serialization
/// failure and a lock of a database are, and so is `timed_out`: another try may be quick. (A `timeout` around the `retry` is no such error
/// inside it, but a cancellation, and never retried.)
inline bool is_transient(error const& e) noexcept { return e.transient(); }

namespace detail {

template <class F>
struct only_parameter; // of a function, or of an object with one operator()
template <class R, class P>
struct only_parameter<R (*)(P)> {
    using type = std::remove_cvref_t<P>;
};
template <class R, class P>
struct only_parameter<R (*)(P) noexcept> : only_parameter<R (*)(P)> {};
template <class R, class C, class P>
struct only_parameter<R (C::*)(P)> : only_parameter<R (*)(P)> {};
template <class R, class C, class P>
struct only_parameter<R (C::*)(P) const> : only_parameter<R (*)(P)> {};
template <class R, class C, class P>
struct only_parameter<R (C::*)(P) noexcept> : only_parameter<R (*)(P)> {};
template <class R, class C, class P>
struct only_parameter<R (C::*)(P) const noexcept> : only_parameter<R (*)(P)> {};

template <class F>
struct looks_at {};
template <class F>
    requires requires { &F::operator(); }
struct looks_at<F> : looks_at<decltype(&F::operator())> {};
template <class F>
    requires requires { typename only_parameter<F>::type; }
struct looks_at<F> : only_parameter<F> {};

} // namespace detail

/// A predicate that names what it looks at: `bool (effects::error const&)`, `bool (std::exception_ptr)`,
/// `bool (http::response const&)`; of a generic lambda nobody could tell.
template <class F>
concept retry_predicate = requires {
    typename detail::looks_at<std::decay_t<F>>::type;
}
&&std::is_invocable_r_v<bool, std::decay_t<F>&, typename detail::looks_at<std::decay_t<F>>::type const&>;

/// What to try again: predicates over exceptions (what derives from std::exception, or `std::exception_ptr` for any) and over
/// results, any of which says yes.
///
///     .when = async::is_transient
///     .when = {async::is_transient, [](http::response const& r) { return r.status == 503; }}
///
/// One over results names the very type that the function returns: `retry` throws `std::invalid_argument` where it is another.
class retry_when {
public:
    template <retry_predicate... Fs>
        requires(sizeof...(Fs) > 0)
    retry_when(Fs... predicates) { (add(std::move(predicates)), ...); }

    bool error(std::exception_ptr const& e) const;
    template <class T>
    bool value(T const& v) const {
        return value_of(effects::detail::type_id<T>::name, std::addressof(v));
    }
    /// Throws `std::invalid_argument` where a predicate looks at values of another type than `Result`.
    template <class Result>
    void check_result() const {
        if (!values_.empty()) check_type(effects::detail::type_id<Result>::name);
    }

private:
    template <class F>
    void add(F f) {
        using seen = typename detail::looks_at<F>::type;
        if constexpr (std::is_same_v<std::exception_ptr, seen>)
            errors_ = either(std::move(errors_), [f = std::move(f)](std::exception_ptr const& e) mutable {
                return static_cast<bool>(f(e));
            });
        else if constexpr (std::is_base_of_v<std::exception, seen>)
            errors_ = either(std::move(errors_), [f = std::move(f)](std::exception_ptr const& e) mutable {
                try {
                    std::rethrow_exception(e);
                } catch (seen const& known) {
                    return static_cast<bool>(f(known));
                } catch (...) {
                    return false;
                }
            });
        else
            values_.push_back({&effects::detail::type_id<seen>::name, [f = std::move(f)](void const* v) mutable {
                                   return static_cast<bool>(f(*static_cast<seen const*>(v)));
                               }});
    }
    using error_predicate = std::function<bool(std::exception_ptr const&)>;
    static error_predicate either(error_predicate first, error_predicate then) {
        if (!first) return then;
        return [first = std::move(first), then = std::move(then)](std::exception_ptr const& e) {
            return first(e) || then(e);
        };
    }
    struct value_predicate {
        std::string_view const* type; // its address is the identity
        std::function<bool(void const*)> says_yes;
    };
    bool value_of(std::string_view const& type, void const* v) const;
    void check_type(std::string_view const& result) const;

    error_predicate errors_;
    std::vector<value_predicate> values_;
};

/// How `retry` goes about it.
struct retry_options {
    int attempts = 3; ///< in all, the first included
    async::backoff backoff = exponential(std::chrono::milliseconds(100)).jitter();
    retry_when when = is_transient;
    /// The longest wait that the other side can ask for, by `error::retry_after()` or the result's own (an `http::response` has one); what is
    /// asked beyond it is not waited for. Zero: nobody is asked.
    duration max_retry_after = std::chrono::minutes(1);
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
    // After one that failed: waits, and counts; false where it was the last, or the next one would begin after the deadline.
    bool next(std::optional<duration> asked);
    bool next_after_error(std::exception_ptr const& e);
    template <class T>
    bool next_after_value(T const& value) {
        if constexpr (asks_to_wait<T>)
            return next(value.retry_after());
        else
            return next(std::nullopt);
    }
    // Throws `e` with what was tried as its context.
    [[noreturn]] void give_up(std::exception_ptr e, bool again) const;

private:
    retry_options const& how_;
    int number_ = 1;
    bool too_late_ = false;
};

} // namespace detail

/// Calls `f` until it succeeds: what `when` says yes to, exception or result, is tried again, after a wait: that of the backoff, or as long as the
/// other side asks (Retry-After), whichever is longer.
///
///     auto rates = async::retry({.attempts = 5, .backoff = async::exponential(100ms).jitter(), .when = async::is_transient},
///                               [&] { return fetch_rates(); });
///
/// `f` may take the attempt's number, from 1. The last attempt's exception is thrown (an `effects::error` with the number of attempts as its
/// context) and its result returned. Where the next attempt would begin after the enclosing `deadline()`, there is none.
/// Cancellation is never retried. `attempts` below 1 is a `std::invalid_argument`, and so is a `when` that looks at values of
/// another type than `f`'s.
template <class F>
    requires(std::is_invocable_v<F&> || std::is_invocable_v<F&, int>)
auto retry(retry_options const& how, F&& f) {
    detail::attempts tries(how);
    auto call = [&]() -> decltype(auto) {
        if constexpr (std::is_invocable_v<F&, int>)
            return f(tries.number());
        else
            return f();
    };
    using result = std::decay_t<decltype(call())>;
    how.when.check_result<result>();
    for (;;) {
        std::optional<detail::or_unit<result>> value;
        if (auto error = detail::error_of([&] { value.emplace(detail::call_or_unit(call)); })) {
            bool again = how.when.error(error);
            if (!again || !tries.next_after_error(error)) tries.give_up(std::move(error), again);
        } else if constexpr (std::is_void_v<result>) {
            return;
        } else if (!how.when.value(*value) || !tries.next_after_value(*value)) {
            return std::move(*value);
        }
    }
}
template <class F>
    requires(std::is_invocable_v<F&> || std::is_invocable_v<F&, int>)
auto retry(F&& f) { return retry(retry_options{}, std::forward<F>(f)); }

} // namespace effects::async
