// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>
#include <utility>

#include <effects/can.hpp>
#include <effects/clause.hpp>
#include <effects/detail/offered.hpp>
#include <effects/handlers.hpp>
#include <effects/perform.hpp>

namespace effects {

/// Runs `body` with handlers in force, innermost first, and gives its answer: what `body` returns, as `returns` maps it, or
/// what a `control` or `aborts` clause returns in its place.
///
///     int answer = effects::handle([] { return effects::perform(ask{}) + 1; },
///                                  [](ask const&) { return 41; });
///
/// A handler is a clause (`on`, `control`, `aborts`, `returns`, `finally`), a lambda whose parameter names its operation, an object with
/// `operations`, or several as one (`handlers`). An lvalue is borrowed, an rvalue kept for the call. `handle<Answer>(…)` names
/// the answer's type where the body alone doesn't say it. Exceptions cross as they cross a call.
///
/// The body takes nothing, or a capability, `can<…>` of operations that these handlers answer.
///
/// Without a `control` clause this costs a few stores and runs on the caller's stack. With one, the body runs on a pooled stack of
/// its own (256 KiB, guarded), and what a kept resumption needs (body and clauses) lives there with it; borrowed handlers
/// must outlive the resumption.
template <class Answer = detail::deduced, class Body, handler... Hs>
    requires detail::body_under<Body, can<>, Hs...>
decltype(auto) handle(Body&& body, Hs&&... hs) {
    return detail::handle_under<Answer, can<>>(std::forward<Body>(body), std::forward<Hs>(hs)...);
}

namespace detail {

template <class H>
concept callable_of_unknown_parameter = std::is_class_v<std::remove_cvref_t<H>> && !requires {
    &std::remove_cvref_t<H>::operator();
};

// The `Position`th argument of a `handle` is this.
template <int Position, class H>
struct handler_argument {
    static constexpr bool good = handler<H>;
    static constexpr bool calls = std::is_invocable_v<H>;
    static constexpr bool any_call = callable_of_unknown_parameter<H>;
    static_assert(good || !calls,
                  "this argument is no handler, but what could be a body: the body is the first argument of "
                  "handle(body, handlers…)");
    static_assert(
        good || calls || !any_call,
        "this argument is not a handler: a class needs `using operations = effects::operations<…>`; a generic "
        "lambda does not say which operation it answers: effects::on<Op>([](auto const& op) {…})");
    static_assert(
        good || calls || any_call,
        "this argument is not a handler: give effects::on/control/aborts/returns, a lambda whose one parameter "
        "is the operation, or an object with `using operations = effects::operations<…>`");
};

template <class Body, class... Hs>
concept handled_body = (... && handler<Hs>)&&body_under<Body, can<>, Hs...>;

template <bool HandlersGood, class Body>
struct body_argument {
    static_assert(
        std::is_invocable_v<Body> || !(HandlersGood || handler<Body>),
        "the first argument of handle(body, handlers…) is the body, which is called without arguments, or with "
        "a can<…>");
};

template <class Body, class... Hs, int... I>
void check_arguments(std::integer_sequence<int, I...>) {
    static_cast<void>(body_argument<(... && handler<Hs>), Body>{});
    (static_cast<void>(handler_argument<I + 2, Hs>{}), ...);
}

} // namespace detail

// What is none of the above: says which argument is wrong.
template <class Answer = detail::deduced, class Body, class... Hs>
    requires(!detail::handled_body<Body, Hs...>)
detail::misused handle(Body&&, Hs&&...) {
    detail::check_arguments<Body, Hs...>(std::make_integer_sequence<int, sizeof...(Hs)>{});
    return {};
}

} // namespace effects
