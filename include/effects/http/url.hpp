// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <effects/http/headers.hpp>

namespace effects::http {

/// Percent-encodes everything but the unreserved characters (RFC 3986, section 2.3): right for a segment of a path
/// and for the name or value of a query parameter.
///
///     http::get("https://shop.example/items/" + http::percent_encode("50% off"))      // …/items/50%25%20off
std::string percent_encode(std::string_view text);

/// The reverse; throws `std::invalid_argument` for a `%` without two hexadecimal digits.
std::string percent_decode(std::string_view text);

/// `name=value&…`, percent-encoded, blanks as `+` (application/x-www-form-urlencoded); and the reverse, which never
/// fails: a broken escape stays as it is.
std::string encode_form(std::vector<field> const& fields);
std::vector<field> decode_form(std::string_view text);

/// Resolves a reference against an absolute URL (RFC 3986, section 5): "https://a/b/c" and "../d?e" give
/// "https://a/d?e". Escapes stay as they were given. Throws `std::invalid_argument` for what is no URL.
std::string join_url(std::string const& base, std::string const& reference);

/// The URL with its user and password, and the values of secret-looking parameters (token, key, signature, …) of its query and
/// fragment, as `***`: what messages show. Of a malformed URL, rather too much is hidden than too little.
std::string redacted_url(std::string_view url);

} // namespace effects::http
