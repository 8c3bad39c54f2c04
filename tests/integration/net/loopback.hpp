// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <effects/async/group.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/listen.hpp>
#include <effects/perform.hpp>

namespace effects::test_support {

/// Two ends of a connection over the loopback device. In a live world.
struct connected {
    net::stream client;
    net::stream server;
};

inline connected connect_loopback() {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    connected both;
    async::task_group([&](async::group& g) {
        g.spawn([&] { both.server = door.accept(); });
        both.client = perform(net::connect(door.local()));
    });
    return both;
}

inline std::span<std::byte> bytes_of(std::string& text) { return std::as_writable_bytes(std::span(text)); }

/// A port of 127.0.0.1 where nobody listens.
inline net::endpoint closed_port() {
    net::listener door = perform(net::listen({"127.0.0.1", 0}));
    return door.local();
}

} // namespace effects::test_support
