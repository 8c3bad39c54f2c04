// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <source_location>
#include <string>

#include <effects/error.hpp>
#include <effects/http/router.hpp>
#include <effects/net/listen.hpp>
#include <effects/net/tls.hpp>

namespace effects::http {

/// How a server behaves. The limits are on by default: what a stranger sends is bounded in size and in time.
struct server_options {
    std::size_t max_header_bytes = 16 * 1024; ///< more is answered with 431
    std::size_t max_body_bytes = 1024 * 1024; ///< more is answered with 413
    bool reuse_port = false;                  ///< several servers at one address, a thread each: see `net::listen`
    std::size_t max_connections = 10'000;     ///< further ones wait to be accepted
    /// A connection may idle so long between requests; zero: one request a connection.
    std::chrono::nanoseconds keep_alive = std::chrono::seconds(75);
    /// For a whole request, from its first byte: then 408. A new connection has as long for its first byte.
    std::chrono::nanoseconds read_timeout = std::chrono::seconds(30);
    std::chrono::nanoseconds write_timeout = std::chrono::seconds(30); ///< for a whole response
    /// When `serve` is cancelled, requests in progress may go on so long; then they are cancelled too.
    std::chrono::nanoseconds grace = std::chrono::seconds(10);
    std::optional<net::tls::server_options> tls = {}; ///< serves https
    /// Called once, before the first connection: where it listens, with the port that was chosen.
    std::function<void(net::endpoint const&)> on_listening = {};
    /// Called with what went wrong on a connection that was not a handler's doing: malformed bytes, a reset, a failed
    /// TLS handshake. (The log has it too, at level debug.) In the connection's task; must not throw.
    std::function<void(net::endpoint const& peer, effects::error const& why)> on_fault = {};
};

/// Serves HTTP/1.1 until the calling task is cancelled: a task a connection, keep-alive, pipelining.
///
///     http::router routes;
///     routes.get("/hello", [] { return http::ok_text("hello\n"); });
///     http::serve("127.0.0.1:8080", routes);
///
/// The routes' handlers run under the handlers in force here, and may perform whatever these answer. When the
/// task is cancelled it accepts no more, closes the connections that idle or shake hands, lets requests in progress end within
/// `options.grace`, cancels the rest; and then returns, if the reason is *shutdown*, or lets the cancellation go on. `address` is
/// "host:port", port 0 for a free one. Throws `net::error` when it cannot listen there. `routes` must not change meanwhile.
void serve(std::string const& address, router const& routes, server_options options = {},
           std::source_location where = std::source_location::current());
/// The same at a listener that is open already; it is closed at the end.
void serve(net::listener door, router const& routes, server_options options = {});

} // namespace effects::http
