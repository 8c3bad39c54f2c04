// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/detail/layer.hpp>

namespace effects {

namespace detail {

// Several handlers as one; `Pieces` are values where they were rvalues, references where they are borrowed.
template <class... Pieces>
struct handler_stack {
    std::tuple<Pieces...> pieces;
};

template <class T>
inline constexpr bool is_handler_stack = false;
template <class... Pieces>
inline constexpr bool is_handler_stack<handler_stack<Pieces...>> = true;

} // namespace detail

/// What `handle`, `handlers` and the worlds' `run` take: a clause (`on`, `control`, `aborts`, `returns`, `finally`), an object with
/// `using operations = effects::operations<…>`, a lambda whose one parameter is an operation, or several as one (`handlers`).
template <class H>
concept handler = detail::is_clause<std::remove_cvref_t<H>> || detail::is_returns<std::remove_cvref_t<H>> ||
    detail::is_finally<std::remove_cvref_t<H>> || detail::is_handler_stack<std::remove_cvref_t<H>> ||
    detail::handler_object<std::remove_cvref_t<H>> || detail::names_its_operation<std::remove_cvref_t<H>>;

namespace detail {

// One argument that is one handler, as it is; a lambda as the clause that it stands for.
template <class H>
decltype(auto) piece_of(H&& h) {
    using plain = std::remove_cvref_t<H>;
    if constexpr (is_clause<plain> || is_returns<plain> || is_finally<plain> || handler_object<plain>)
        return std::forward<H>(h);
    else
        return on_clause<typename only_operation<decltype(&plain::operator())>::type, H>{std::forward<H>(h), {}};
}
template <class Piece>
struct held_piece { // borrowed where it is an lvalue
    using type = std::remove_reference_t<Piece>;
};
template <class Piece>
struct held_piece<Piece&> {
    using type = Piece&;
};

// The handlers in one argument, as a tuple: innermost first.
template <class H>
auto pieces_of(H&& h) {
    if constexpr (!is_handler_stack<std::remove_cvref_t<H>>)
        return std::tuple<typename held_piece<decltype(piece_of(std::forward<H>(h)))>::type>(
            piece_of(std::forward<H>(h)));
    else if constexpr (std::is_lvalue_reference_v<H>)
        return std::apply([](auto&... p) { return std::tuple<decltype(p)...>(p...); }, h.pieces);
    else
        return std::move(h.pieces);
}

// Those of all arguments. Without std::tuple_cat where it can be: that was half of what a `handle` of three handlers took to compile.
template <class... Hs>
auto all_pieces_of(Hs&&... hs) {
    if constexpr ((... || is_handler_stack<std::remove_cvref_t<Hs>>))
        return std::tuple_cat(pieces_of(std::forward<Hs>(hs))...);
    else
        return std::tuple<typename held_piece<decltype(piece_of(std::forward<Hs>(hs)))>::type...>(
            piece_of(std::forward<Hs>(hs))...);
}

} // namespace detail

/// Several handlers as one, innermost first: an inner one's clauses reach the outer ones.
///
///     auto shop = effects::handlers(card_terminal{}, os::log_to(std::cerr));
///     effects::handle(body, shop);
///
/// An lvalue is borrowed and must outlive the result; an rvalue is kept in it.
template <handler... Hs>
auto handlers(Hs&&... hs) {
    auto all = detail::all_pieces_of(std::forward<Hs>(hs)...);
    return
        [&]<class... Pieces>(std::tuple<Pieces...>& t) { return detail::handler_stack<Pieces...>{std::move(t)}; }(all);
}

} // namespace effects
