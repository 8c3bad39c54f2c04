// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <type_traits>
#include <utility>

#include <effects/operation.hpp>

namespace effects {

namespace detail {

template <class Op, class F>
struct on_clause {
    F answer;
    std::source_location made;
};

template <class Op, class F>
struct control_clause {
    F answer;
    std::source_location made;
};

template <class Op, class F>
struct aborts_clause {
    F answer;
    std::source_location made;
};

template <class F>
struct returns_clause {
    F map;
};

} // namespace detail

/// Answers `Op` in place: `perform` gives what `f(op)` returns, or throws what it throws. Like a function call; never
/// captures anything. `f` may take the operation by value, by reference, or not at all.
///
///     effects::on<charge_card>([](charge_card const& op) { return receipt{op.cents}; })
///
/// It runs with the handlers outside its own in force, so performing the same operation reaches the next one out. One that takes the place of
/// the `perform` beside the operation can pass it on, so that messages name the logic's line and not its own:
///
///     effects::on<http::request>([](http::request r, std::source_location where) { return perform(std::move(r), where); })
///
/// It costs a search for each such operation, which clauses that don't ask are spared.
template <operation Op, class F>
auto on(F&& f, std::source_location made = std::source_location::current()) {
    return detail::on_clause<Op, std::decay_t<F>>{std::forward<F>(f), made};
}

/// Answers `Op` with the rest of the body in hand: `f(op, k)` returns the answer of the whole `handle`, and decides
/// whether and when the body goes on: `std::move(k).resume(value)`, `.resume_tail(value)`, `.resume_with_exception(e)`,
/// or keep `k` and resume it elsewhere; dropping it unwinds the body.
///
///     effects::control<choose>([](choose, auto k) { return std::move(k).resume(true); })
///
/// The operation is the clause's own: moved if it was performed as an rvalue, else copied. It runs outside `handle`,
/// with the handlers that are in force where `handle`, or the last resume, was called (not those beside it in the same
/// `handle`, which are captured with the body). The clause and its captures live until it returns, whatever becomes of the body.
template <operation Op, class F>
auto control(F&& f, std::source_location made = std::source_location::current()) {
    return detail::control_clause<Op, std::decay_t<F>>{std::forward<F>(f), made};
}

/// Gives the body up: `f(op)` runs first, outside the handler; then the body unwinds, and what `f` returned is the answer
/// of `handle`. Makes no stack of its own.
///
///     effects::handle([] { return find(…); }, effects::aborts<not_found>([](not_found const&) { return -1; }))
///
/// What `f` throws leaves `handle`, not `perform`. A body that swallows the unwinding (`catch (...)` without `throw;`) has
/// its value discarded all the same, `returns` does not see it, and it can't be captured by this `handle` any more.
template <operation Op, class F>
auto aborts(F&& f, std::source_location made = std::source_location::current()) {
    return detail::aborts_clause<Op, std::decay_t<F>>{std::forward<F>(f), made};
}

/// Maps what the body returns to the answer of `handle`; runs outside the handler. One a `handle`.
///
///     effects::returns([](int x) { return std::vector{x}; })
template <class F>
auto returns(F&& f) {
    return detail::returns_clause<std::decay_t<F>>{std::forward<F>(f)};
}

} // namespace effects
