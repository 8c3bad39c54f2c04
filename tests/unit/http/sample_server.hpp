// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/handle.hpp>
#include <effects/http/serve.hpp>
#include <effects/net/connect.hpp>
#include <effects/perform.hpp>
#include <effects/sim/run.hpp>

/// Answered in the worlds of these tests, by 1, 2, 3, …
struct next_id {
    using result_type = int;
};

/// Routes of every kind.
inline effects::http::router sample() {
    effects::http::router r;
    r.get("/hello", [] { return effects::http::ok_text("hello"); });
    r.get("/big", [] { return effects::http::ok_text(std::string(1'000'000, 'b')); });
    r.get("/echo/{x}", [](effects::http::incoming const& in) { return effects::http::ok_text(in.param("x")); });
    r.post("/echo", [](effects::http::incoming const& in) { return effects::http::ok_text(in.text()); });
    r.post("/orders", [](effects::http::incoming const& in) {
        return effects::http::created({{"id", effects::perform(next_id{})}, {"sku", in.json().at("sku")}});
    });
    r.get("/slow/{s}", [](effects::http::incoming const& in) {
        effects::async::sleep_for(std::chrono::seconds(in.param<int>("s")));
        return effects::http::ok_text("slow");
    });
    r.get("/bug", []() -> effects::http::response { throw 42; });
    r.get("/error", []() -> effects::http::response { throw std::runtime_error("s3cret"); });
    r.get("/none", [] { return effects::http::no_content(); });
    return r;
}

/// Runs `body` beside a server of the sample routes at server:80, which is cancelled at the end.
template <class Body>
void beside_server(Body body, effects::http::server_options options = {}, effects::sim::options const& how = {}) {
    effects::sim::run(
        how,
        [&] {
            effects::async::task_group([&](effects::async::group& g) {
                g.spawn([&] { effects::http::serve("server:80", sample(), options); });
                body();
                g.cancel();
            });
        },
        [id = 0](next_id const&) mutable { return ++id; });
}

inline effects::net::stream dial() { return effects::perform(effects::net::connect({"server", 80})); }

/// All that the server answers to these bytes, up to the end of its stream.
inline std::string raw(std::string const& bytes) {
    auto peer = dial();
    peer.write(bytes);
    return peer.read_all();
}

/// The end of a last request.
inline std::string const last = "Host: server\r\nConnection: close\r\n\r\n";
