// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <effects/async/group.hpp>
#include <effects/handle.hpp>
#include <effects/http/client.hpp>
#include <effects/net/listen.hpp>
#include <effects/net/stream.hpp>
#include <effects/perform.hpp>
#include <effects/sim/run.hpp>

/// Reads one request off a stream, as it came; empty at the end of the stream.
inline std::string read_raw_request(effects::net::stream& from) {
    std::string text;
    try {
        text = from.read_until("\r\n\r\n", 1 << 20);
    } catch (effects::net::error const&) {
        return {};
    }
    if (auto at = text.find("Content-Length: "); at != std::string::npos) {
        std::string body(std::stoul(text.substr(at + 16)), '\0');
        from.read_exactly(std::as_writable_bytes(std::span(body)));
        text += body;
    }
    return text;
}

/// A server that answers with bytes, right or wrong: each connection gets the next script, a list of answers to the
/// requests that come over it; then the connection is closed, unless it is to be held open.
struct far_end {
    using script = std::vector<std::string>;

    explicit far_end(std::deque<script> connections) : scripts(std::move(connections)) {}

    std::deque<script> scripts;
    bool hold = false;                      ///< keep connections open after the last answer
    std::vector<std::string> requests = {}; ///< what came, over all connections
    int accepted = 0;
    int open = 0;
    int most_open = 0;

    void play(effects::net::stream peer, script const& answers) {
        most_open = std::max(most_open, ++open);
        struct departure {
            int& open;
            ~departure() { --open; }
        } on_exit{open};
        try {
            for (auto const& answer : answers) {
                auto request = read_raw_request(peer);
                if (request.empty()) return;
                requests.push_back(std::move(request));
                if (!answer.empty()) peer.write(answer);
            }
            while (hold && !read_raw_request(peer).empty()) {
            }
        } catch (effects::error const&) { // the client had enough
        }
    }

    void serve(effects::net::listener& door, effects::async::group& g) {
        for (;;) {
            auto peer = door.accept();
            ++accepted;
            if (scripts.empty()) continue; // closed at once
            auto answers = std::move(scripts.front());
            scripts.pop_front();
            g.spawn([this, peer = std::move(peer), answers = std::move(answers)]() mutable {
                play(std::move(peer), answers);
            });
        }
    }
};

/// Runs `body` in a simulated world, under a client, with `server` listening at server:80.
template <class Body>
void against(far_end& server, Body body, effects::http::client_options options = {},
             effects::sim::options const& how = {}) {
    using namespace effects;
    sim::run(how, [&] {
        http::client client(std::move(options));
        auto door = perform(net::listen({"server", 80}));
        async::task_group([&](async::group& g) {
            g.spawn([&] { server.serve(door, g); });
            effects::handle(
                [&] {
                    if constexpr (std::is_invocable_v<Body, http::client&>)
                        body(client);
                    else
                        body();
                },
                client);
            g.cancel();
        });
    });
}

/// The error that `f` throws: its code, its text. Fails the test when there is none.
struct caught {
    std::error_code code;
    std::string what;
};

template <class F>
caught failure_of(F f) {
    try {
        f();
    } catch (effects::error const& e) {
        return {e.code(), e.what()};
    }
    return {{}, "no exception"};
}
