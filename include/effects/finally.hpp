// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>
#include <utility>

namespace effects {

namespace detail {

template <class F>
struct finally_clause {
    F leave;
};

} // namespace detail

/// Runs `f()` once when the body leaves, in whichever way: it returned, threw, was given up by an `aborts` clause, or its resumption
/// was dropped. Not when that is forgotten (`forget`), nor before a kept one is resumed to the end.
///
///     effects::handle(body, effects::control<ask>(…), effects::finally([&] { log("done"); }))
///
/// The last thing that `handle` does: after the clause of `aborts`, and after `returns`, also where that throws. It runs outside the
/// handler. What it throws leaves `handle` in place of what was on its way. In a dropped body it runs as destructors do there: an
/// exception terminates the program, and an operation that would suspend ends it. Of several the innermost is first.
template <class F>
    requires std::is_invocable_v < std::decay_t<F>
& > auto finally(F&& f) { return detail::finally_clause<std::decay_t<F>>{std::forward<F>(f)}; }

} // namespace effects
