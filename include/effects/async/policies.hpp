// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/async/time.hpp>
#include <effects/async/timeout.hpp>
#include <effects/clause.hpp>
#include <effects/operation.hpp>
#include <effects/perform.hpp>

namespace effects::async {

/// What decides whether, when and how often code runs: `p.run(f)` gives what `f()` gives. A `circuit_breaker`, a `rate_limiter`, a `bulkhead`,
/// `retrying`, `hedging`, `time_limit`, several in one (`policies`), and yours: one that calls `f` once at most says so by
/// `static constexpr bool calls_once = true`, which spares copies of operations.
template <class P>
concept policy = requires(std::remove_reference_t<P>& p, int (*f)()) {
    { p.run(f) } -> std::convertible_to<int>;
};

namespace detail {

template <class P>
inline constexpr bool calls_once = false;
template <class P>
    requires requires { requires P::calls_once; }
inline constexpr bool calls_once<P> = true;

template <class P>
inline constexpr bool can_be_held = std::is_reference_v<P> || std::is_move_constructible_v<P>;

} // namespace detail

/// Several policies as one, the first outermost, as the calls would nest:
///
///     async::policies careful(async::retrying({.attempts = 3}), breaker, async::time_limit(2s));
///     auto rates = careful.run([&] { return fetch_rates(); });   // retry(…, [&] { return breaker.run([&] { return timeout(2s, …); }); })
///
/// So here each attempt is a call for the breaker, with two seconds of its own; with `time_limit` first, all of them would have two seconds
/// together. An lvalue is borrowed and must outlive the result; an rvalue is kept in it.
template <policy... Ps>
    requires(sizeof...(Ps) > 0)
class policies {
    static_assert(
        (... && detail::can_be_held<Ps>),
        "a circuit_breaker, rate_limiter or bulkhead is for many calls to share: make it a variable that outlives "
        "what it guards, and give that");

public:
    explicit policies(Ps... ps) : held_(std::forward<Ps>(ps)...) {}

    template <class F>
    std::invoke_result_t<F&> run(F&& f) const {
        return run_from<0>(f);
    }

    static constexpr bool calls_once = (... && detail::calls_once<std::remove_cvref_t<Ps>>);

private:
    template <std::size_t First, class F>
    std::invoke_result_t<F&> run_from(F& f) const {
        if constexpr (First == sizeof...(Ps))
            return f();
        else
            return std::get<First>(held_).run([&]() -> std::invoke_result_t<F&> { return run_from<First + 1>(f); });
    }

    std::tuple<Ps...> held_;
};
template <class... Ps>
policies(Ps&&...) -> policies<Ps...>;

/// `timeout` as a policy.
class time_limit {
public:
    template <class Rep, class Period>
    explicit time_limit(std::chrono::duration<Rep, Period> limit, std::string phase = "time limit")
        : limit_(clamp_duration(limit)), phase_(std::move(phase)) {}

    template <class F>
    std::invoke_result_t<F&> run(F&& f) const {
        return timeout(limit_, phase_, f);
    }

    static constexpr bool calls_once = true;

private:
    duration limit_;
    std::string phase_;
};

namespace detail {

// The clause. What runs once is moved on where it can be; what may run again stays as it is.
template <class Op, class Policy, class Which>
struct guarded {
    using taken = std::conditional_t<Policy::calls_once && std::is_move_constructible_v<Op>, Op, Op const&>;

    Policy policy;
    Which which;

    result_of<Op> operator()(taken op, std::source_location where) const {
        auto pass_on = [&]() -> result_of<Op> { return perform(std::forward<taken>(op), where); };
        if (!which(std::as_const(op))) return pass_on();
        return policy.run(pass_on);
    }
};

struct all_of_them {
    template <class Op>
    constexpr bool operator()(Op const&) const noexcept {
        return true;
    }
};

} // namespace detail

/// A middleware: each `Op` that the body performs goes to the next handler further out under these policies, the first outermost.
///
///     async::circuit_breaker payments{{.name = "payments"}};
///     live::run(body, async::guarding<http::request>(async::retrying({.attempts = 5}), payments, async::time_limit(2s)), http::client{});
///
/// An lvalue is borrowed and must outlive the handler; an rvalue is kept in it. Policies that may repeat an operation perform the same object
/// again, unchanged. One that must not be repeated is left out by `guarding_if`; where more depends on the operation, such as a breaker for each host,
/// the clause is as short by hand:
///
///     effects::on<http::request>([&](http::request const& r) { return breaker_of(r.url.host()).run([&] { return perform(r); }); })
template <operation Op, policy... Ps>
    requires(sizeof...(Ps) > 0)
auto guarding(Ps&&... ps) {
    using clause = detail::guarded<Op, policies<Ps...>, detail::all_of_them>;
    return effects::on<Op>(clause{policies<Ps...>(std::forward<Ps>(ps)...), {}}, std::source_location());
}

/// The same for those operations of which `which` says yes; the others go straight to the next handler further out.
///
///     auto reads = [](http::request const& r) { return r.method == "GET" || r.method == "HEAD"; };
///     async::guarding_if<http::request>(reads, async::hedging({.delay = 50ms}))
template <operation Op, class Which, policy... Ps>
    requires(sizeof...(Ps) > 0 && std::predicate<Which const&, Op const&>)
auto guarding_if(Which which, Ps&&... ps) {
    using clause = detail::guarded<Op, policies<Ps...>, Which>;
    return effects::on<Op>(clause{policies<Ps...>(std::forward<Ps>(ps)...), std::move(which)}, std::source_location());
}

} // namespace effects::async
