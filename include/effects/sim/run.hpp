// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <utility>

#include <effects/async/detail/world.hpp>
#include <effects/can.hpp>
#include <effects/sim/world.hpp>

namespace effects::sim {

namespace detail {
using world_offer = effects::detail::offer<can<>, decltype(std::declval<world&>().handlers())>;
}

/// Runs `body` as the main task of a deterministic world: virtual time that jumps to the next timer when nothing is ready, tasks picked
/// by `seed`, no thread, socket or file. The same seed gives the same run.
///
///     sim::run([] { async::sleep_for(24h); });            // returns at once
///     sim::run({.seed = 7}, body, handlers…);
///
/// A body that takes a `can<…>` gets it, of what the handlers and the world answer.
///
/// Gives what `body` returns, as a `returns` among the handlers maps it, throws what it throws; `sim::deadlock` when every task waits and no timer is set.
template <class Body, handler... Hs>
    requires effects::detail::body_under<Body&, detail::world_offer, Hs...>
auto run(options const& how, Body&& body, Hs&&... hs)
    -> async::detail::run_answer<effects::detail::callable_under<Body&, detail::world_offer, Hs...>, Hs...> {
    world simulated(how);
    auto outermost = simulated.handlers();
    effects::detail::callable_under<Body&, detail::world_offer, Hs...> callable{body};
    return async::detail::run_main(
        simulated.scheduler(), outermost,
        [&](async::detail::task_base& main, bool const& ended) { simulated.scheduler().loop(main, ended); }, callable,
        std::forward<Hs>(hs)...);
}
template <class Body, handler... Hs>
    requires effects::detail::body_under<Body&, detail::world_offer, Hs...>
auto run(Body&& body, Hs&&... hs)
    -> async::detail::run_answer<effects::detail::callable_under<Body&, detail::world_offer, Hs...>, Hs...> {
    return sim::run(options{}, body, std::forward<Hs>(hs)...);
}

} // namespace effects::sim
