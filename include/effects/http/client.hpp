// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <effects/http/request.hpp>
#include <effects/net/endpoint.hpp>
#include <effects/net/tls.hpp>
#include <effects/operation.hpp>

namespace effects::async {
class group;
}

namespace effects::http {

/// How a client behaves; a request's own settings win. The defaults are for services that must not hang.
struct client_options {
    /// What requests with a relative URL are joined to (RFC 3986: "/x" drops the base's path, "x" its last segment).
    std::string base_url = {};
    /// Sent with every request that does not set the name itself. Where there is a `base_url`, the credentials among
    /// them (Authorization, Cookie, X-Api-Key: see `is_secret_header`) go to its origin only.
    http::headers headers = {};
    /// Bounds a whole exchange: waiting for a connection, connecting, redirects, the body. Empty: for ever.
    std::optional<std::chrono::nanoseconds> timeout = std::chrono::seconds(60);
    bool follow_redirects = true;
    int max_redirects = 10;                        ///< so many are followed; one more throws
    std::size_t max_header_bytes = 64 * 1024;      ///< of one response's header section
    std::size_t max_body_bytes = 64 * 1024 * 1024; ///< of one response, after decoding
    /// How long an idle connection is kept for the next request; zero: never.
    std::chrono::nanoseconds keep_alive = std::chrono::seconds(15);
    /// Connections to one (scheme, host, port) at a time, on each thread; further requests wait in order. 0: no limit.
    std::size_t max_connections_per_host = 100;
    /// A kept connection can turn out dead when it is used. One that fails before the first byte of a response is replaced and
    /// the request sent again, once, if it is idempotent (GET, HEAD, PUT, DELETE, OPTIONS, or an Idempotency-Key).
    bool resend_on_dead_connection = true;
    bool cookies = true;    ///< keep what servers set (RFC 6265), send it back
    bool decompress = true; ///< ask for gzip and deflate, and decode them
    std::string user_agent = "effects/0.1";
    net::tls::client_options tls = {};
    /// Every connection goes there, whatever host the URL names: to a Unix domain socket, or to a test's server. The Host header, cookies and the
    /// certificate's check keep to the URL.
    std::optional<net::endpoint> connect_to = {};
};

/// Answers `http::request` over the network: HTTP/1.1 over `net::connect`, TLS for https. One pool of kept
/// connections, one cookie jar.
///
///     live::run(body, http::client{{.base_url = "https://api.example/v1/", .timeout = 5s}});
///
/// Throws `http::error` and `net::error`, each with "while GET https://…: " in front, `async::timed_out` when the time is
/// up, `std::invalid_argument` for a request that cannot be sent. A connection that was in the middle of an exchange is closed,
/// never kept, whatever ended it. Moves until it is installed; several threads may call it at once, each with connections of its
/// own, which its world closes at its end.
class client {
public:
    using operations = effects::operations<request>;

    explicit client(client_options options = {});
    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    /// Closes the kept connections: when the worlds of other threads that used it have ended, or at least called `stop`.
    ~client();

    response operator()(request const& r);

    /// Has connections closed that were kept for too long. A world calls it when the handler begins; without it, that is seen to when
    /// the next request comes.
    void start(async::group& background);
    /// Closes the connections that this thread keeps, forgets no cookie. A world calls it when the handler leaves.
    void stop() noexcept;
    /// Connections kept for reuse, over all hosts and threads.
    std::size_t idle_connections() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace effects::http
