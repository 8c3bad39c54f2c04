// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/async/scheduler.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/listen.hpp>
#include <effects/operation.hpp>

namespace effects::live::detail {

class event_loop;

// What the live world answers besides suspending: sockets, and work for other threads. Installed around an event loop's
// tasks, inside the loop itself, since its clauses suspend.
class services {
public:
    using operations = effects::operations<async::run_blocking, net::resolve, net::connect, net::listen>;

    explicit services(event_loop& loop) noexcept : loop_(&loop) {}

    void operator()(async::run_blocking const& op);
    std::vector<net::endpoint> operator()(net::resolve const& op);
    net::stream operator()(net::connect const& op);
    net::listener operator()(net::listen const& op);

private:
    event_loop* loop_;
};

} // namespace effects::live::detail
