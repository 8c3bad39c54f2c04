// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <compare>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace effects::net {

/// A host and a port: what `connect` goes to and `listen` listens at. `host` is a name or an address
/// ("127.0.0.1", "::1", without brackets); port 0 asks `listen` for a free one.
///
///     net::endpoint at{"127.0.0.1", 8080};   at.text() == "127.0.0.1:8080";   net::endpoint::parse("[::1]:80")
struct endpoint {
    std::string host;
    std::uint16_t port = 0;

    /// "host:port"; an IPv6 address in brackets.
    std::string text() const;
    /// The reverse of `text()`: both parts must be there, an IPv6 address must be in brackets. Throws
    /// `std::invalid_argument` that quotes the text and says what is wrong with it.
    static endpoint parse(std::string const& text);

    auto operator<=>(endpoint const&) const = default;
    friend std::ostream& operator<<(std::ostream&, endpoint const&); ///< as `text()`
};

} // namespace effects::net
