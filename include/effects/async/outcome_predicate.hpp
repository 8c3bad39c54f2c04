// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/detail/type_name.hpp>
#include <effects/error.hpp>
#include <effects/operation.hpp>

namespace effects::async {

/// `e.transient()`: what may go away by itself, whichever module threw it. A refused connection, a 503 of `raise_for_status`, a serialization
/// failure and a lock of a database are, and so is `timed_out`: another try may be quick. (A `timeout` around the `retry` is no such error
/// inside it, but a cancellation, and never retried.)
inline bool is_transient(error const& e) noexcept { return e.transient(); }

/// Yes to whatever is thrown. (A cancellation of the caller is asked about nowhere.)
inline bool any_exception(std::exception_ptr const&) noexcept { return true; }

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
concept looks_at_outcomes = requires {
    typename detail::looks_at<std::decay_t<F>>::type;
}
&&std::is_invocable_r_v<bool, std::decay_t<F>&, typename detail::looks_at<std::decay_t<F>>::type const&>;

/// Picks some of the ways in which a call may end: what `retry` tries again, what `hedge` passes over, what a `circuit_breaker` counts as a
/// failure. Made of predicates over exceptions (what derives from std::exception, or `std::exception_ptr` for any) and over
/// results, any of which says yes.
///
///     .when = async::is_transient
///     .when = {async::is_transient, [](http::response const& r) { return r.status == 503; }}
///
/// One over results looks at those of the very type that it names. Where calls run on several threads, so may the predicates.
class outcome_predicate {
public:
    template <looks_at_outcomes... Fs>
        requires(sizeof...(Fs) > 0)
    outcome_predicate(Fs... predicates) { (add(std::move(predicates)), ...); }

    bool error(std::exception_ptr const& e) const;
    template <class T>
    bool value(T const& v) const {
        return !values_.empty() && value_of(effects::detail::type_id<T>::name, std::addressof(v));
    }
    /// Throws `std::invalid_argument`, in the name of `whose`, where a predicate looks at values of another type than `Result`.
    template <class Result>
    void check_result(std::string_view whose) const {
        if (!values_.empty()) check_type(effects::detail::type_id<Result>::name, whose);
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
    void check_type(std::string_view const& result, std::string_view whose) const;

    error_predicate errors_;
    std::vector<value_predicate> values_;
};

namespace detail {

// What a call gave, looked at before it is passed on: void (a `unit`) and references included.
template <class Result>
class held_result {
    using stored = std::conditional_t<
        std::is_void_v<Result>, unit,
        std::conditional_t<std::is_reference_v<Result>, std::remove_reference_t<Result>*, std::remove_cv_t<Result>>>;

public:
    template <class F>
    void take_from(F&& f) {
        if constexpr (std::is_void_v<Result>) {
            std::forward<F>(f)();
            held_.emplace();
        } else if constexpr (std::is_reference_v<Result>) {
            Result&& given = std::forward<F>(f)();
            held_.emplace(std::addressof(given));
        } else {
            held_.emplace(std::forward<F>(f)());
        }
    }
    explicit operator bool() const noexcept { return held_.has_value(); }
    bool picked_by(outcome_predicate const& which) const { return which.value(look()); }
    auto const& look() const noexcept {
        if constexpr (std::is_reference_v<Result>)
            return **held_;
        else
            return *held_;
    }
    Result take() {
        if constexpr (std::is_void_v<Result>)
            return;
        else if constexpr (std::is_reference_v<Result>)
            return static_cast<Result>(**held_);
        else
            return std::move(*held_);
    }

private:
    std::optional<stored> held_;
};

} // namespace detail
} // namespace effects::async
