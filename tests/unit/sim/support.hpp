// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <effects/async.hpp>
#include <effects/net.hpp>
#include <effects/perform.hpp>

// What tests of the simulated network share.
namespace support {

template <class F>
std::error_code code_of(F&& f) {
    try {
        f();
    } catch (effects::error const& e) {
        return e.code();
    }
    return {};
}

inline void echo(effects::net::stream peer) {
    std::byte buffer[1000];
    while (std::size_t n = peer.read_some(buffer)) peer.write(std::span<std::byte const>(buffer, n));
    peer.shutdown_write();
}

// A program for a host: echoes what comes, from any number of peers.
inline void serve_echo() {
    auto door = effects::perform(effects::net::listen({"0.0.0.0", 7}));
    effects::async::task_group([&](effects::async::group& g) {
        for (;;)
            g.spawn([peer = door.accept()]() mutable {
                try {
                    echo(std::move(peer));
                } catch (effects::net::error const&) { // its client's trouble
                }
            });
    });
}

inline effects::net::stream dial(std::string const& host) { return effects::perform(effects::net::connect({host, 7})); }

// The first bytes that come; "" at the end.
inline std::string read(effects::net::stream& from) {
    std::byte buffer[1000];
    std::size_t n = from.read_some(buffer);
    return {reinterpret_cast<char const*>(buffer), n};
}

inline std::string ask(effects::net::stream& peer, std::string const& text) {
    peer.write(text);
    return read(peer);
}

} // namespace support
