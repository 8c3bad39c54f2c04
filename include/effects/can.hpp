// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

#include <effects/detail/offered.hpp>
#include <effects/handle_options.hpp>
#include <effects/operation.hpp>
#include <effects/perform.hpp>

namespace effects {

namespace detail {

template <class Op, class Can>
struct operation_not_listed;

} // namespace detail

/// A capability: what its holder may perform, checked by the compiler. A function that takes `can<A, B>` performs A and B through it
/// and nothing else.
///
///     order place_order(effects::can<http::request, sql::query> fx, cart const& cart) {
///         auto stock = fx.perform(sql::query("select qty from stock where sku = $1", cart.sku)).one<int>();
///         …
///     }
///     effects::handle([&](effects::can<http::request, sql::query> fx) { return place_order(fx, cart); }, client, database);
///
/// `handle`, `fx.handle` and the worlds' `run` pass a body (a function, a lambda, `std::bind_front(&shop::open, &shop)`) the can<…> that
/// its parameter asks for, and refuse to compile when an operation in it has no handler there, nor a `default_answer`. A body with an
/// `auto` parameter gets all that is handled. They alone make capabilities; holders copy them, and pass them on as any can<…> of fewer
/// operations, in any order. `multishot::handle` and `shallow::handle` pass it as well, and take an `fx` before the body.
///
/// An empty type: `fx.perform` finds its handler as `perform` does, at the same price, so it throws `unhandled_operation` once its
/// handlers are gone. It restricts what goes through `fx`: free `perform`, and the ambient services of `async` and `os`, stay outside it.
/// `can<effects::any_operation>` may perform everything.
template <class... Ops>
class can {
    static_assert((... && (operation<Ops> || std::is_same_v<Ops, any_operation>)), "can<…> lists operations");

public:
    /// From one that may do more.
    template <class... Wider>
        requires(sizeof...(Wider) != 0 && (... && detail::is_listed<Ops, Wider...>))
    constexpr can(can<Wider...>) noexcept {}

    /// As `effects::perform`, of a listed operation.
    template <class Op>
        requires(operation<std::remove_cvref_t<Op>>&& detail::is_listed<std::remove_cvref_t<Op>, Ops...>)
    [[gnu::always_inline]] result_of<Op> perform(Op&& op,
                                                 std::source_location where = std::source_location::current()) const {
        return effects::perform(std::forward<Op>(op), where);
    }
    // clang-format off
    template <class Op>
        requires(operation<std::remove_cvref_t<Op>> && !detail::is_listed<std::remove_cvref_t<Op>, Ops...>)
    detail::operation_not_listed<Op, can> perform(Op&&) const = delete; // add it to the can<…> that the function takes
    // clang-format on

    /// As `effects::handle`; the body may ask for what these handlers answer and for all that is listed.
    ///
    ///     fx.handle([&](effects::can<ask, sql::query> fx) { … }, effects::on<ask>(…))
    template <class Answer = detail::deduced, class Body, handler... Hs>
        requires detail::body_under<Body, can, Hs...>
    decltype(auto) handle(Body&& body, Hs&&... hs) const {
        return detail::handle_under<Answer, can>(detail::no_options{}, std::forward<Body>(body),
                                                 std::forward<Hs>(hs)...);
    }
    /// With another size of stack for the body: `fx.handle({.stack_size = 1 << 20}, body, …)`.
    template <class Answer = detail::deduced, class Body, handler... Hs>
        requires detail::body_under<Body, can, Hs...>
    decltype(auto) handle(handle_options options, Body&& body, Hs&&... hs) const {
        return detail::handle_under<Answer, can>(options, std::forward<Body>(body), std::forward<Hs>(hs)...);
    }

private:
    friend struct detail::new_capability;
    constexpr can() noexcept = default;
};

} // namespace effects
