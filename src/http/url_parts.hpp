// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace effects::http {

/// Whom a URL is at: what a connection is made to, and the bound of what credentials may cross.
struct origin {
    bool secure = false; ///< https
    std::string host;    ///< lower case; an IPv6 address without brackets
    std::uint16_t port = 80;

    auto operator<=>(origin const&) const = default;
    /// "host" or "host:port", as the Host field has it (RFC 9110, section 7.2).
    std::string authority() const;
};

/// An absolute http(s) URL, taken apart for a request. Escapes are as given.
struct url_parts {
    http::origin origin;
    std::string target;   ///< path and query, never empty: what the request line says
    std::string path;     ///< the same without the query
    std::string user;     ///< of the userinfo, decoded; empty where there is none
    std::string password; ///< likewise
    bool has_userinfo = false;
};

/// Throws `std::invalid_argument` for what is no absolute URL, `http::error` for another scheme than http and https.
url_parts split_url(std::string const& url);

/// Throws `std::invalid_argument` that says where, for what is no URL or relative reference (RFC 3986, section 4.1).
void check_url(std::string_view url);

} // namespace effects::http
