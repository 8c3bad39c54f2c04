// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>
#include <utility>

#include <effects/detail/offered.hpp>
#include <effects/handlers.hpp>

// Says which argument of a `handle` is wrong, whichever of them it is.
namespace effects::detail {

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

template <class Body, class Outer, class... Hs>
concept handled_body = (... && handler<Hs>)&&body_under<Body, Outer, Hs...>;

template <bool HandlersGood, class Body>
struct body_argument {
    static_assert(
        std::is_invocable_v<Body> || !(HandlersGood || handler<Body>),
        "the first argument of handle(body, handlers…) is the body, which is called without arguments, or with "
        "a can<…>");
};

template <int First, class Body, class... Hs, int... I>
void check_arguments(std::integer_sequence<int, I...>) {
    static_cast<void>(body_argument<(... && handler<Hs>), Body>{});
    (static_cast<void>(handler_argument<I + First, Hs>{}), ...);
}
// `First` is the position of the first handler.
template <int First, class Body, class... Hs>
misused misused_arguments() {
    check_arguments<First, Body, Hs...>(std::make_integer_sequence<int, sizeof...(Hs)>{});
    return {};
}

} // namespace effects::detail
