// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <effects/async/detail/waiter.hpp>
#include <effects/net/listen.hpp>

#include "connection.hpp"

namespace effects::sim::detail {

// A listening socket.
struct door : std::enable_shared_from_this<door> {
    network* net = nullptr;
    std::string machine; // of a named host
    net::endpoint at;
    std::shared_ptr<life> host = nullptr;
    std::deque<std::shared_ptr<connection>> waiting = {};
    std::size_t backlog = 0;
    bool closed = false;
    bool reuse_port = false;
    std::shared_ptr<std::vector<door*>> sharing = {}; // those at this address, itself included
    async::detail::waiter_list acceptors = {};

    void close() noexcept; // resets who was not accepted
    void vanish() noexcept;
};

std::unique_ptr<net::acceptor> behind(std::shared_ptr<door> d);

} // namespace effects::sim::detail
