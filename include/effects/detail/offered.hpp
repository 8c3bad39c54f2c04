// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/detail/handled.hpp>
#include <effects/handlers.hpp>

// What a body may perform, as a type: the operations that its handlers answer, put together where they are installed.
namespace effects {

template <class... Ops>
class can;

namespace detail {

template <class T>
inline constexpr bool is_capability = false;
template <class... Ops>
inline constexpr bool is_capability<can<Ops...>> = true;

struct new_capability { // those who install handlers make one, and nobody else
    template <class Can>
    static constexpr Can make() noexcept {
        return Can();
    }
};

template <class Op, class... Ops>
inline constexpr bool is_one_of = (... || std::is_same_v<Op, Ops>);

// `Op` is among them, or they are any.
template <class Op, class... Ops>
inline constexpr bool is_listed = is_one_of<Op, Ops...> || is_one_of<any_operation, Ops...>;

// ---- the operations that a handler answers, as a can<…> ----

template <class Operations>
struct capability_for;
template <class... Ops>
struct capability_for<operations<Ops...>> {
    using type = can<Ops...>;
};
template <>
struct capability_for<any_operation> {
    using type = can<any_operation>;
};

template <class Plain>
struct answered_by : capability_for<typename Plain::operations> {};
template <class Op, class F>
struct answered_by<on_clause<Op, F>> {
    using type = can<Op>;
};
template <class Op, class F>
struct answered_by<control_clause<Op, F>> {
    using type = can<Op>;
};
template <class Op, class F>
struct answered_by<aborts_clause<Op, F>> {
    using type = can<Op>;
};
template <class F>
struct answered_by<returns_clause<F>> {
    using type = can<>;
};
template <class F>
struct answered_by<finally_clause<F>> {
    using type = can<>;
};

// Each once, in the order in which they come.
template <class Sum, class... Cans>
struct joined {
    using type = Sum;
};
template <class... Sum, class... Rest>
struct joined<can<Sum...>, can<>, Rest...> : joined<can<Sum...>, Rest...> {};
template <class... Sum, class Op, class... Ops, class... Rest>
struct joined<can<Sum...>, can<Op, Ops...>, Rest...>
    : joined<std::conditional_t<is_one_of<Op, Sum...>, can<Sum...>, can<Sum..., Op>>, can<Ops...>, Rest...> {};

template <class Outer, class Pieces>
struct offer_of;
template <class Outer, class... Pieces>
struct offer_of<Outer, std::tuple<Pieces...>>
    : joined<can<>, typename answered_by<std::remove_cvref_t<Pieces>>::type..., Outer> {};

template <handler... Hs>
using pieces_in = decltype(all_pieces_of(std::declval<Hs>()...));

// What a body may perform under `hs…`, where it may perform `Outer` without them.
template <class Outer, handler... Hs>
using offer = typename offer_of<Outer, pieces_in<Hs...>>::type;

// ---- what nobody answers ----

template <class Op, class Offer>
inline constexpr bool is_answered = false;
template <class Op, class... Ops>
inline constexpr bool is_answered<Op, can<Ops...>> = is_listed<Op, Ops...> || has_default_answer<Op>;

template <class Op>
inline constexpr bool has_a_handler_here = false;

template <class Op>
struct no_handler_for {
    static_assert(
        has_a_handler_here<Op>,
        "the body asks by its can<…> for an operation that no handler here answers: install one; where it is in "
        "force further out, take a can<…> there and call fx.handle in place of handle, or give multishot::handle and "
        "shallow::handle the fx before the body");
};
template <class Handler, class Op>
struct no_handler_outside {
    static_assert(
        has_a_handler_here<Op>,
        "a handler says by its `performs` that it performs an operation that no handler outside it answers: install "
        "one after it; where it is in force further out, take a can<…> there and call fx.handle in place of handle");
};

template <class Complaint>
constexpr void complain() {
    static_cast<void>(sizeof(Complaint));
}

// Gives a body the can<…> that its parameter names, whichever that is.
template <class Offer>
struct offered {
    template <class... Asked>
    operator can<Asked...>() const noexcept {
        (check<Asked>(), ...);
        return new_capability::make<can<Asked...>>();
    }

private:
    template <class Op>
    static constexpr void check() {
        if constexpr (!is_answered<Op, Offer>) complain<no_handler_for<Op>>();
    }
};

// ---- what handlers perform themselves ----

template <class H>
concept says_what_it_performs = requires {
    typename H::performs;
};

template <class Handler, class Offer, class... Ops>
constexpr void check_answered(operations<Ops...> const*) {
    (
        [] {
            if constexpr (!is_answered<Ops, Offer>) complain<no_handler_outside<Handler, Ops>>();
        }(),
        ...);
}

template <class Handler, class Offer>
struct offer_seen_by { // what a handler's own operations find
    using type = Offer;
};

template <class Outer>
constexpr bool performs_are_answered(std::tuple<> const*) {
    return true;
}
template <class Outer, class Piece, class... Rest> // the first is the innermost
constexpr bool performs_are_answered(std::tuple<Piece, Rest...> const*) {
    using plain = std::remove_cvref_t<Piece>;
    if constexpr (says_what_it_performs<plain>)
        check_answered<plain, typename offer_seen_by<plain, typename offer_of<Outer, std::tuple<Rest...>>::type>::type>(
            static_cast<typename plain::performs const*>(nullptr));
    return performs_are_answered<Outer>(static_cast<std::tuple<Rest...> const*>(nullptr));
}
// Complains of those that are not, with a message of its own.
template <class Outer, class Pieces>
inline constexpr bool performs_checked = performs_are_answered<Outer>(static_cast<Pieces const*>(nullptr));

// ---- calling a body ----

template <class Body, class Fx>
concept takes_capability = !handler<Body> && (std::invocable<Body, Fx> || std::invocable<Body, offered<Fx>>);

/// What `handle` and the worlds' `run` take as their body: called without arguments, or with the `can<…>` that it asks for.
template <class Body, class Outer, class... Hs>
concept body_under = std::invocable<Body> || takes_capability<Body, offer<Outer, Hs...>>;

// The same of a body that is called again and again, as an lvalue.
template <class Body, class Outer, class... Hs>
concept repeatable_body_under = body_under<std::add_lvalue_reference_t<Body>, Outer, Hs...>;

// A body with its argument: itself called with none. `Body` is a reference where it is borrowed.
template <class Body, class Fx>
struct with_capability {
    Body body;

    decltype(auto) operator()() {
        if constexpr (std::is_invocable_v<Body, Fx>)
            return std::forward<Body>(body)(new_capability::make<Fx>());
        else
            return std::forward<Body>(body)(offered<Fx>{});
    }
};

template <class Body, class Fx>
struct body_as_written<with_capability<Body, Fx>> {
    using type = Body;
};

// The same of a body that is called again and again.
template <class Body, class Fx>
struct repeated_with_capability {
    Body body;

    decltype(auto) operator()() requires takes_capability<std::add_lvalue_reference_t<Body>, Fx> { return call(body); }
    decltype(auto) operator()() const requires takes_capability<Body const&, Fx> { return call(body); }

private:
    template <class B>
    static decltype(auto) call(B& b) {
        if constexpr (std::is_invocable_v<B&, Fx>)
            return b(new_capability::make<Fx>());
        else
            return b(offered<Fx>{});
    }
};
template <class Body, class Fx>
struct body_as_written<repeated_with_capability<Body, Fx>> {
    using type = Body;
};

template <class Body, class Outer, class... Hs>
struct called_body {};
template <std::invocable Body, class Outer, class... Hs>
struct called_body<Body, Outer, Hs...> {
    using type = Body&&;
};
template <class Body, class Outer, class... Hs>
    requires(!std::invocable<Body> && takes_capability<Body, offer<Outer, Hs...>>)
struct called_body<Body, Outer, Hs...> {
    using type = with_capability<Body, offer<Outer, Hs...>>;
};
template <class Body, class Outer, class... Hs>
using callable_under = typename called_body<Body, Outer, Hs...>::type;

template <class Body, class Outer, class... Hs>
using body_result = std::invoke_result_t<callable_under<Body, Outer, Hs...>>;

template <class Answer, class Outer, class Options, class Body, class... Hs>
decltype(auto) handle_under(Options options, Body&& body, Hs&&... hs) {
    static_assert(performs_checked<Outer, pieces_in<Hs...>>);
    auto pieces = all_pieces_of(std::forward<Hs>(hs)...);
    using callable = callable_under<Body, Outer, Hs...>;
    if constexpr (std::is_reference_v<callable>)
        return handle_pieces<Answer>(std::forward<Body>(body), std::move(pieces), options);
    else
        return handle_pieces<Answer>(callable{std::forward<Body>(body)}, std::move(pieces), options);
}

} // namespace detail
} // namespace effects
