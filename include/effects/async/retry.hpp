// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <effects/async/backoff.hpp>
#include <effects/async/cancelled.hpp>
#include <effects/async/outcome.hpp>

namespace effects::async {

/// Is this the kind of error that may go away by itself? Refused, reset and broken connections, unreachable hosts and networks, "try again",
/// and everything that `timed_out` is the base of.
bool is_transient(error const& e) noexcept;

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
struct looks_at : looks_at<decltype(&F::operator())> {};
template <class F>
    requires requires { typename only_parameter<F>::type; }
struct looks_at<F> : only_parameter<F> {};

} // namespace detail

/// A predicate that names what it looks at: `bool (effects::error const&)`, `bool (http::response const&)`; of a generic lambda
/// nobody could tell.
template <class F>
concept retry_predicate = requires {
    typename detail::looks_at<std::decay_t<F>>::type;
}
&&std::is_invocable_r_v<bool, std::decay_t<F>&, typename detail::looks_at<std::decay_t<F>>::type const&>;

/// What to try again: predicates over exceptions and over results, any of which says yes.
///
///     .when = async::is_transient
///     .when = {async::is_transient, [](http::response const& r) { return r.status() == 503; }}
class retry_when {
public:
    template <retry_predicate... Fs>
        requires(sizeof...(Fs) > 0)
    retry_when(Fs... predicates) { (add(std::move(predicates)), ...); }

    bool error(std::exception_ptr const& e) const;
    template <class T>
    bool value(T const& v) const {
        return value_of(typeid(T), std::addressof(v));
    }

private:
    template <class F>
    void add(F f) {
        using seen = typename detail::looks_at<F>::type;
        if constexpr (std::is_base_of_v<std::exception, seen>)
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
            values_ = either(std::move(values_), [f = std::move(f)](std::type_info const& type, void const* v) mutable {
                return type == typeid(seen) && static_cast<bool>(f(*static_cast<seen const*>(v)));
            });
    }
    template <class... Args, class F>
    static std::function<bool(Args...)> either(std::function<bool(Args...)> first, F then) {
        if (!first) return then;
        return [first = std::move(first), then = std::move(then)](Args... args) mutable {
            return first(args...) || then(args...);
        };
    }
    bool value_of(std::type_info const& type, void const* v) const { return values_ && values_(type, v); }

    std::function<bool(std::exception_ptr const&)> errors_;
    std::function<bool(std::type_info const&, void const*)> values_;
};

/// How `retry` goes about it.
struct retry_options {
    int attempts = 3; ///< in all, the first included
    async::backoff backoff = exponential(std::chrono::milliseconds(100)).jitter();
    retry_when when = is_transient;
};

namespace detail {

// One `retry` in progress.
class attempts {
public:
    explicit attempts(retry_options const& how);
    int number() const noexcept { return number_; } // of this attempt, from 1
    // After one that failed: waits, and counts; false where it was the last, or the next one would begin after the deadline.
    bool next();
    // Throws `e` with what was tried as its context.
    [[noreturn]] void give_up(std::exception_ptr e, bool again) const;

private:
    retry_options const& how_;
    int number_ = 1;
    bool too_late_ = false;
};

} // namespace detail

/// Calls `f` until it succeeds: what `when` says yes to, exception or result, is tried again, after a wait.
///
///     auto rates = async::retry({.attempts = 5, .backoff = async::exponential(100ms).jitter(), .when = is_transient},
///                               [&] { return fetch_rates(); });
///
/// `f` may take the attempt's number, from 1. The last attempt's exception is thrown (an `effects::error` with the number of attempts as its
/// context) and its result returned. Where the next attempt would begin after the enclosing `deadline()`, there is none.
/// Cancellation is never retried. `attempts` below 1 is a `std::invalid_argument`.
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
    for (;;) {
        std::optional<detail::or_unit<result>> value;
        if (auto error = detail::error_of([&] { value.emplace(detail::call_or_unit(call)); })) {
            bool again = how.when.error(error);
            if (!again || !tries.next()) tries.give_up(std::move(error), again);
        } else if constexpr (std::is_void_v<result>) {
            return;
        } else if (!how.when.value(*value) || !tries.next()) {
            return std::move(*value);
        }
    }
}
template <class F>
    requires(std::is_invocable_v<F&> || std::is_invocable_v<F&, int>)
auto retry(F&& f) { return retry(retry_options{}, std::forward<F>(f)); }

} // namespace effects::async
