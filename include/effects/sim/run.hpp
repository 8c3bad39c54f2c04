// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <effects/async/detail/world.hpp>
#include <effects/sim/world.hpp>

namespace effects::sim {

/// Runs `body` as the main task of a deterministic world: virtual time that jumps to the next timer when nothing is ready, tasks picked
/// by `seed`, no thread, socket or file. The same seed gives the same run.
///
///     sim::run([] { async::sleep_for(24h); });            // returns at once
///     sim::run({.seed = 7}, body, handlers…);
///
/// Gives what `body` returns, as a `returns` among the handlers maps it, throws what it throws; `sim::deadlock` when every task waits and no timer is set.
template <class Body, handler... Hs>
    requires(std::is_invocable_v<Body&>)
decltype(auto) run(options const& how, Body&& body, Hs&&... hs) {
    world simulated(how);
    auto outermost = simulated.handlers();
    return async::detail::run_main(
        simulated.scheduler(), outermost,
        [&](async::detail::task_base& main, bool const& ended) { simulated.scheduler().loop(main, ended); }, body,
        std::forward<Hs>(hs)...);
}
template <class Body, handler... Hs>
    requires(std::is_invocable_v<Body&>)
decltype(auto) run(Body&& body, Hs&&... hs) { return run(options{}, body, std::forward<Hs>(hs)...); }

} // namespace effects::sim
