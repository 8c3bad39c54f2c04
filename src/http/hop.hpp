// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>

#include <effects/http/client.hpp>

#include "url_parts.hpp"

namespace effects::http {

/// One exchange of the several that a request may take: what goes to one origin, before cookies.
struct hop {
    std::string method;
    std::string url; ///< absolute, without its fragment
    url_parts to;
    http::headers headers;
    std::string body;
    bool accepts_encodings = false; ///< the Accept-Encoding is the client's own: decode what comes
};

/// A request under a client's options: joined to the base URL, with the default headers that it does not set itself.
/// The defaults' credentials go to the base URL's origin only, where there is a base URL.
hop first_hop(request const& r, client_options const& options);

/// Where a response redirects to (RFC 9110, section 15.4), or nothing when it does not: 303 makes a GET of it (HEAD
/// stays), 301 and 302 make a GET of a POST, 307 and 308 repeat it. Another origin gets no credentials. Throws
/// `http::error` (`bad_url`) for a Location that is no URL, (`unsupported_scheme`) for one that is not http(s).
std::optional<hop> next_hop(hop const& sent, int status, http::headers const& answer);

/// May be sent twice with the effect of once (RFC 9110, section 9.2.2), or says so with an Idempotency-Key.
bool is_idempotent(hop const& h);

/// The bytes of the start line and the header fields, the body's too if it is small: what one write sends.
std::string serialize(hop const& h, std::string const& cookies);
/// Bodies up to here travel in the buffer of the header section.
inline constexpr std::size_t small_body = 16 * 1024;

} // namespace effects::http
