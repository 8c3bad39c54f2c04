// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>
#include <utility>

#include <effects/async/detail/scope.hpp>

namespace effects::async {

/// Runs `f` in this task out of the reach of cancellations from outside: they arrive at the first suspension point after it. Timeouts and
/// cancellations inside `f` work as ever. For clean-up that must suspend:
///
///     async::shield([&] { async::timeout(5s, [&] { perform(sql::rollback{}); }); });
template <class F>
std::invoke_result_t<F> shield(F&& f) {
    detail::scope kept_off(never, true);
    return std::forward<F>(f)();
}

} // namespace effects::async
