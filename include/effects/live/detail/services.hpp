// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <vector>

#include <effects/async/scheduler.hpp>
#include <effects/async/threads.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/datagram.hpp>
#include <effects/net/listen.hpp>
#include <effects/operation.hpp>
#include <effects/os/detail/time_limit.hpp>
#include <effects/os/detail/wait_turn.hpp>

namespace effects::live::detail {

class event_loop;

// Asks for the event loop of the world, for handlers of the machine that wait for descriptors; null outside of any.
struct reach_loop {
    using result_type = event_loop*;
    static constexpr bool replayable = false;
    static result_type default_answer(reach_loop const&) noexcept { return nullptr; }
};

// What the live world answers besides suspending: sockets, and work for other threads. Installed around an event loop's
// tasks, inside the loop itself, since its clauses suspend.
class services {
public:
    using operations =
        effects::operations<async::run_blocking, async::run_on_thread, async::find_thread, async::take_turn,
                            net::resolve, net::connect, net::listen, net::bind_datagram, net::connect_datagram,
                            reach_loop, os::detail::limit_time, os::detail::wait_turn>;

    explicit services(event_loop& loop) noexcept : loop_(&loop) {}

    void operator()(async::run_blocking const& op);
    void operator()(async::run_on_thread const& op);
    async::find_thread::result_type operator()(async::find_thread const&) noexcept;
    std::size_t operator()(async::take_turn const&) noexcept;
    std::vector<net::endpoint> operator()(net::resolve const& op);
    net::stream operator()(net::connect const& op);
    net::listener operator()(net::listen const& op);
    net::datagram_socket operator()(net::bind_datagram const& op);
    net::datagram_socket operator()(net::connect_datagram const& op);
    event_loop* operator()(reach_loop const&) const noexcept { return loop_; }
    std::unique_ptr<os::detail::time_limit> operator()(os::detail::limit_time const& op) const;
    void operator()(os::detail::wait_turn const& op) const;

private:
    event_loop* loop_;
};

} // namespace effects::live::detail
