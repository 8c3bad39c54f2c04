// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

#include <effects/can.hpp>
#include <effects/clause.hpp>
#include <effects/detail/arguments.hpp>
#include <effects/handle_options.hpp>
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
/// must outlive the resumption. `handle({.stack_size = 1 << 20}, body, …)` gives it a larger one.
template <class Answer = detail::deduced, class Body, handler... Hs>
    requires detail::body_under<Body, can<>, Hs...>
decltype(auto) handle(Body&& body, Hs&&... hs) {
    return detail::handle_under<Answer, can<>>(detail::no_options{}, std::forward<Body>(body), std::forward<Hs>(hs)...);
}
template <class Answer = detail::deduced, class Body, handler... Hs>
    requires detail::body_under<Body, can<>, Hs...>
decltype(auto) handle(handle_options options, Body&& body, Hs&&... hs) {
    return detail::handle_under<Answer, can<>>(options, std::forward<Body>(body), std::forward<Hs>(hs)...);
}

// What is none of the above: says which argument is wrong.
template <class Answer = detail::deduced, class Body, class... Hs>
    requires(!detail::is_options<Body> && !detail::handled_body<Body, can<>, Hs...>)
detail::misused handle(Body&&, Hs&&...) { return detail::misused_arguments<2, Body, Hs...>(); }
template <class Answer = detail::deduced, class Body, class... Hs>
    requires(!detail::handled_body<Body, can<>, Hs...>)
detail::misused handle(handle_options, Body&&, Hs&&...) { return detail::misused_arguments<3, Body, Hs...>(); }

} // namespace effects
