// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/async/scheduler.hpp>
#include <effects/async/threads.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/listen.hpp>
#include <effects/operation.hpp>

namespace effects::live::detail {

class event_loop;

// What the live world answers besides suspending: sockets, and work for other threads. Installed around an event loop's
// tasks, inside the loop itself, since its clauses suspend.
class services {
public:
    using operations = effects::operations<async::run_blocking, async::run_on_thread, async::find_thread,
                                           async::take_turn, net::resolve, net::connect, net::listen>;

    explicit services(event_loop& loop) noexcept : loop_(&loop) {}

    void operator()(async::run_blocking const& op);
    void operator()(async::run_on_thread const& op);
    async::find_thread::result_type operator()(async::find_thread const&) noexcept;
    std::size_t operator()(async::take_turn const&) noexcept;
    std::vector<net::endpoint> operator()(net::resolve const& op);
    net::stream operator()(net::connect const& op);
    net::listener operator()(net::listen const& op);

private:
    event_loop* loop_;
};

} // namespace effects::live::detail
