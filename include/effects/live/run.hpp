// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/world.hpp>
#include <effects/can.hpp>
#include <effects/handlers.hpp>
#include <effects/live/detail/event_loop.hpp>
#include <effects/live/detail/services.hpp>
#include <effects/live/detail/thread_set.hpp>
#include <effects/live/options.hpp>
#include <effects/live/shut_down.hpp>
#include <effects/live/system.hpp>

namespace effects::live {

namespace detail {

inline auto world_handlers(event_loop& loop) {
    return handlers(system_clock{}, system_random{}, system_env{}, stderr_log{}, system_files{}, system_programs{},
                    services(loop), loop);
}
// How many handlers `world_handlers` gives, and which is their innermost frame, in a body under them; `outside`: what was in force around.
inline constexpr std::size_t world_layers =
    std::tuple_size_v<decltype(world_handlers(std::declval<event_loop&>()).pieces)>;
inline effects::detail::frame* innermost_of_world(effects::detail::frame* outside) noexcept {
    effects::detail::frame* const top = effects::detail::this_thread()->top;
    std::size_t inside = 0;
    for (effects::detail::frame* f = top; f != outside; f = f->outer) ++inside;
    effects::detail::frame* world = top;
    for (; inside > world_layers; --inside) world = world->outer;
    return world;
}
using world_offer = effects::detail::offer<can<>, decltype(world_handlers(std::declval<event_loop&>()))>;

} // namespace detail

/// Runs `body` as the main task of the real world: the machine's clock, sockets, files, environment. An event loop on this thread runs
/// its tasks; what blocks (`async::blocking`, names to resolve) goes to worker threads.
///
///     int main() {
///         return live::run([] { return serve_orders(); }, http::client{}, sqlite::database{"orders.db"});
///     }
///     live::run({.handle_signals = false}, body, handlers…);
///
/// The services of `os` (clock, random, env, log, files, programs) are the machine's, unless a handler inside answers them.
///
/// A body that takes a `can<…>` gets it, of what the handlers and the world answer.
///
/// Gives what `body` returns, as a `returns` among the handlers maps it, and throws what it throws; `live::shut_down` when it
/// was cancelled by SIGINT or SIGTERM. Handlers with
/// `start` and `stop` are started before the body and stopped after it, inside the world.
template <class Body, handler... Hs>
    requires effects::detail::body_under<Body&, detail::world_offer, Hs...>
auto run(options const& how, Body&& body, Hs&&... hs)
    -> async::detail::run_answer<effects::detail::callable_under<Body&, detail::world_offer, Hs...>, Hs...> {
    using result = effects::detail::body_result<Body&, detail::world_offer, Hs...>;
    using answer = async::detail::run_answer<effects::detail::callable_under<Body&, detail::world_offer, Hs...>, Hs...>;
    effects::detail::callable_under<Body&, detail::world_offer, Hs...> callable{body};
    effects::detail::frame* const outside = effects::detail::this_thread()->top;
    detail::event_loop loop(how);
    std::optional<detail::thread_set> threads;
    if (how.threads > 1) threads.emplace(how, loop, outside);
    auto world = detail::world_handlers(loop);
    bool cut_short = false;
    auto stoppable = [&]() -> result {
        detail::event_loop::until_shutdown const here(loop);
        if (threads) loop.lies_in(detail::innermost_of_world(outside));
        try {
            return callable();
        } catch (async::cancelled const& c) {
            cut_short = c.why() == async::reason::shutdown;
            throw;
        }
    };
    auto turn = [&](async::detail::task_base& main, bool const& ended) {
        loop.run_main(main, ended);
        threads.reset(); // before the handlers go, which may keep something on each of them
    };
    try {
        if constexpr (std::is_void_v<answer>) {
            async::detail::run_main(loop, world, turn, stoppable, std::forward<Hs>(hs)...);
            if (!cut_short) return;
        } else {
            return async::detail::run_main(loop, world, turn, stoppable, std::forward<Hs>(hs)...);
        }
    } catch (async::cancelled const& c) {
        if (c.why() != async::reason::shutdown) throw;
    }
    throw shut_down();
}
template <class Body, handler... Hs>
    requires effects::detail::body_under<Body&, detail::world_offer, Hs...>
auto run(Body&& body, Hs&&... hs)
    -> async::detail::run_answer<effects::detail::callable_under<Body&, detail::world_offer, Hs...>, Hs...> {
    return live::run(options{}, body, std::forward<Hs>(hs)...);
}

} // namespace effects::live
