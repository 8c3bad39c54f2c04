// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>
#include <utility>

#include <effects/can.hpp>
#include <effects/detail/arguments.hpp>
#include <effects/detail/offered.hpp>
#include <effects/detail/shallow.hpp>
#include <effects/handlers.hpp>

/// Shallow handlers: each handles one operation that its `control` clauses capture, and is gone.
///
/// With `effects::handle` the handler stays in force for the rest of the body (deep). Here the rest runs under whatever handlers are in
/// force where it is resumed, so the next operation can be answered by another handler: protocols whose answers depend on a state,
/// and two bodies that feed each other.
///
///     step closed(rest<void> body) {          // first open, then read, then close
///         return effects::shallow::handle(std::move(body),
///             effects::control<open>([](open o, auto k) { return opened(o.name, std::move(k).with()); }), …
namespace effects::shallow {

/// The rest of a body with the value that it waits for: a body for `handle`, shallow or deep, once. Move-only; dropping it unwinds.
template <class Result>
using rest = detail::shallow_rest<Result>;

/// As `effects::resumption`, of a body whose handler is gone: resuming gives what the body returns, and `returns` of the old
/// handler does not see it.
template <class Op, class Result>
class [[nodiscard]] resumption {
public:
    resumption() noexcept = default;
    explicit resumption(detail::request* asked) noexcept : k_(asked) {}

    /// The rest of the body, under the handlers in force here.
    template <class... Value>
    Result resume(Value&&... value) && {
        return std::move(k_).resume(std::forward<Value>(value)...);
    }
    template <class E>
    Result resume_with_exception(E&& e) && {
        return std::move(k_).resume_with_exception(std::forward<E>(e));
    }

    /// The rest of the body with its value, to be run by `handle`, shallow or deep: `shallow::handle(std::move(k).with(7), …)`. A shallow one
    /// goes on with it on the stack that it has, so a body of any number of steps needs one stack; resumed in a lambda, it costs
    /// one more stack each time.
    template <class... Value>
    rest<Result> with(Value&&... value) && {
        return rest<Result>(std::move(k_).resume_tail(std::forward<Value>(value)...).take_next());
    }

    void forget() && { std::move(k_).forget(); }
    explicit operator bool() const noexcept { return static_cast<bool>(k_); }

private:
    effects::resumption<Op, Result> k_;
};

/// As `effects::handle`, but shallow: once a `control` clause is asked, none of these handlers is in force any more, also in what it
/// resumes. `on` clauses and objects answer in place and use nothing up; `aborts` and `returns` hold as long as the handler does.
///
/// A `control` clause is called with a `shallow::resumption<Op, R>`, where R is what the body returns. The handlers are kept for
/// this call only. Without `control` it is `effects::handle`. Takes no `finally`, which belongs to the whole of a body.
///
/// The body takes nothing, or a capability, `can<…>` of operations that these handlers answer, and of all that `fx` lists where it is given first:
/// `shallow::handle(fx, body, …)`, as `fx.handle(body, …)` does it.
template <class Answer = detail::deduced, class Body, handler... Hs>
    requires detail::body_under<Body, can<>, Hs...>
decltype(auto) handle(Body&& body, Hs&&... hs) {
    return detail::handle_shallow_under<Answer, can<>>(detail::no_options{}, std::forward<Body>(body),
                                                       std::forward<Hs>(hs)...);
}
/// With another size of stack for the body. Not of a `rest`, which stays on its own.
template <class Answer = detail::deduced, class Body, handler... Hs>
    requires detail::body_under<Body, can<>, Hs...>
decltype(auto) handle(handle_options options, Body&& body, Hs&&... hs) {
    return detail::handle_shallow_under<Answer, can<>>(options, std::forward<Body>(body), std::forward<Hs>(hs)...);
}
template <class Answer = detail::deduced, class... Ops, class Body, class... Hs>
    requires(!detail::is_options<Body>)
decltype(auto) handle(can<Ops...>, Body&& body, Hs&&... hs) {
    if constexpr (detail::handled_body<Body, can<Ops...>, Hs...>)
        return detail::handle_shallow_under<Answer, can<Ops...>>(detail::no_options{}, std::forward<Body>(body),
                                                                 std::forward<Hs>(hs)...);
    else
        return detail::misused_arguments<3, Body, Hs...>();
}
template <class Answer = detail::deduced, class... Ops, class Body, class... Hs>
decltype(auto) handle(can<Ops...>, handle_options options, Body&& body, Hs&&... hs) {
    if constexpr (detail::handled_body<Body, can<Ops...>, Hs...>)
        return detail::handle_shallow_under<Answer, can<Ops...>>(options, std::forward<Body>(body),
                                                                 std::forward<Hs>(hs)...);
    else
        return detail::misused_arguments<4, Body, Hs...>();
}

// What is none of the above: says which argument is wrong.
template <class Answer = detail::deduced, class Body, class... Hs>
    requires(!detail::is_options<Body> && !detail::is_capability<std::remove_cvref_t<Body>> &&
             !detail::handled_body<Body, can<>, Hs...>)
detail::misused handle(Body&&, Hs&&...) { return detail::misused_arguments<2, Body, Hs...>(); }
template <class Answer = detail::deduced, class Body, class... Hs>
    requires(!detail::handled_body<Body, can<>, Hs...>)
detail::misused handle(handle_options, Body&&, Hs&&...) { return detail::misused_arguments<3, Body, Hs...>(); }

} // namespace effects::shallow
