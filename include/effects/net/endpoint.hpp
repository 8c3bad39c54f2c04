// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <compare>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace effects::net {

/// What `connect` goes to and `listen` listens at: a host and a port, or a Unix domain socket. `host` is a name, an address
/// ("127.0.0.1", "::1", without brackets), or "unix:" and a path; port 0 asks `listen` for a free one.
///
///     net::endpoint at{"127.0.0.1", 8080};   at.text() == "127.0.0.1:8080";   net::endpoint::parse("[::1]:80")
///     auto here = net::endpoint::unix_socket("/run/orders.sock");   here.text() == "unix:/run/orders.sock"
///
/// A path that begins with "@" is a name in Linux's abstract namespace, which no file stands for (unix(7)). Who listens at a path takes the
/// place of a socket there that nobody listens on any more, and removes its own when it closes. A client's end mostly has no name: "unix:".
struct endpoint {
    std::string host;
    std::uint16_t port = 0;

    static endpoint unix_socket(std::string_view path) { return {"unix:" + std::string(path), 0}; }
    bool is_unix_socket() const noexcept { return host.starts_with("unix:"); }
    /// Of a Unix domain socket; else empty.
    std::string_view path() const noexcept {
        return is_unix_socket() ? std::string_view(host).substr(5) : std::string_view();
    }

    /// "host:port"; an IPv6 address in brackets. Of a Unix domain socket, "unix:" and its path.
    std::string text() const;
    /// The reverse of `text()`: both parts must be there, an IPv6 address must be in brackets; a path must begin with "/", "./", "../" or "@"
    /// ("unix:80" is a host's port). Throws
    /// `std::invalid_argument` that quotes the text and says what is wrong with it.
    static endpoint parse(std::string const& text);

    auto operator<=>(endpoint const&) const = default;
    friend std::ostream& operator<<(std::ostream&, endpoint const&); ///< as `text()`
};

} // namespace effects::net
