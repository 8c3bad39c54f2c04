// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <effects/async/group.hpp>
#include <effects/http.hpp>
#include <effects/net.hpp>
#include <effects/perform.hpp>

#include <support/network_worlds.hpp>
#include <unit/http/far_end.hpp>

/// Runs `body(where)` beside a server of `routes` at a free port of 127.0.0.1, in whatever world; the server is cancelled at the end.
template <class Body>
void beside(effects::http::router const& routes, Body body, effects::http::server_options options = {}) {
    using namespace effects;
    std::string const scheme = options.tls ? "https://" : "http://";
    async::task_group([&](async::group& g) {
        std::string where;
        options.on_listening = [&](net::endpoint const& at) { where = scheme + at.text(); };
        g.spawn({.name = "server"}, [&] { http::serve("127.0.0.1:0", routes, options); });
        REQUIRE_FALSE(where.empty()); // a numeric address is listened at without waiting
        body(where);
        g.cancel();
    });
}

/// Runs `body(where)` beside a server that answers with bytes, right or wrong.
template <class Body>
void beside(far_end& server, Body body, std::string const& scheme = "http://") {
    using namespace effects;
    async::task_group([&](async::group& g) {
        auto door = perform(net::listen({"127.0.0.1", 0}));
        async::task_group([&](async::group& serving) {
            serving.spawn({.name = "far end"}, [&] { server.serve(door, serving); });
            body(scheme + door.local().text());
            serving.cancel();
        });
        g.cancel();
    });
    CHECK(server.open == 0);
}

/// Where nobody listens.
inline std::string nobody() { return effects::perform(effects::net::listen({"127.0.0.1", 0})).local().text(); }

inline effects::net::endpoint endpoint_of(std::string const& url) {
    return effects::net::endpoint::parse(url.substr(url.find("//") + 2));
}

/// All that a server answers to these bytes, up to the end of its stream.
inline std::string raw(std::string const& where, std::string const& bytes) {
    auto peer = effects::perform(effects::net::connect(endpoint_of(where)));
    peer.write(bytes);
    return peer.read_all();
}
