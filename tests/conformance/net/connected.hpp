// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <system_error>

#include <effects/async/group.hpp>
#include <effects/net.hpp>
#include <effects/perform.hpp>

#include <support/network_worlds.hpp>

inline std::span<std::byte> bytes_of(std::string& text) { return std::as_writable_bytes(std::span(text)); }

struct connected {
    effects::net::stream client;
    effects::net::stream server;
};

inline connected connect_both() {
    auto door = effects::perform(effects::net::listen({"127.0.0.1", 0}));
    connected both;
    effects::async::task_group([&](effects::async::group& g) {
        g.spawn([&] { both.server = door.accept(); });
        both.client = effects::perform(effects::net::connect(door.local()));
    });
    return both;
}

/// The code of the `net::error` that `f` must throw.
template <class F>
std::error_code code_of(F f) {
    try {
        f();
    } catch (effects::net::error const& e) {
        return e.code();
    }
    FAIL("it threw no net::error");
    return {};
}

template <class F>
std::string message_of(F f) {
    try {
        f();
    } catch (effects::net::error const& e) {
        return e.what();
    }
    FAIL("it threw no net::error");
    return {};
}
