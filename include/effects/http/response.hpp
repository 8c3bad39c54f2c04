// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <effects/http/detail/json.hpp>
#include <effects/http/error.hpp>
#include <effects/http/headers.hpp>

namespace effects::http {

struct response;
namespace detail {
[[noreturn]] void bad_json(response const& from, std::size_t offset, std::string const& reason);
}

/// What an exchange gave: a plain value, for a mock or a server to build as for a client to read. A 404 is a
/// response, not an error; ask for the exception with `raise_for_status`.
///
///     auto rates = perform(http::get("https://bank/rates"));
///     if (rates.status == 404) return {};
///     return rates.raise_for_status().json().at("usd").get<double>();
///
///     http::response{.status = 503, .headers = {{"Retry-After", "2"}}, .body = "busy"}     // or http::respond(503)
struct response {
    int status = 200;
    std::string reason = {}; ///< as the server worded it; empty: the usual words
    http::headers headers = {};
    std::string body = {};
    std::string url = {};                  ///< where it came from, after redirects
    std::vector<std::string> history = {}; ///< the URLs that redirected here, first to last

    /// A status below 400.
    bool ok() const noexcept { return status < 400; }
    /// The first value of a header.
    std::optional<std::string> header(std::string_view name) const { return headers.get(name); }
    /// How long Retry-After asks to wait (RFC 9110, section 10.2.3): its seconds, or from the response's Date to its date. Empty without it, or
    /// where it is neither; never negative.
    std::optional<std::chrono::nanoseconds> retry_after() const;
    /// The body, as it came (UTF-8 unless Content-Type says otherwise).
    std::string const& text() const& noexcept { return body; }
    std::string text() && { return std::move(body); }
    /// The body as JSON, whatever its Content-Type. Throws `http::error` (`errc::bad_json`) that names the URL, the status and the
    /// place, with an excerpt. Needs <nlohmann/json.hpp> where it is called.
    template <class Json = nlohmann::json>
    Json json() const {
        return detail::from_text<Json>(
            body, [&](std::size_t at, std::string const& why) { detail::bad_json(*this, at, why); });
    }
    /// Throws `http::status_error`, with the first KiB of the body, when the status is 400 or more. `async::retry` tries again
    /// what is busy (408, 429, 502, 503, 504), as late as Retry-After asks:
    ///
    ///     auto rates = async::retry([] { return perform(http::get("https://bank/rates")).raise_for_status(); }).json();
    response const& raise_for_status() const&;
    response raise_for_status() &&;

    /// The same with a header replaced: `http::ok(order).with_header("ETag", tag)`.
    response with_header(std::string name, std::string value) const&;
    response with_header(std::string name, std::string value) &&;

    bool operator==(response const&) const = default;
    friend std::ostream& operator<<(std::ostream&, response const&);
};

/// The usual words for a status ("Not Found"), empty for one without.
std::string_view reason_phrase(int status) noexcept;

/// Any status, with a body and its type.
response respond(int status, std::string body = {}, std::string content_type = "text/plain; charset=utf-8");
/// Any status, with a body of JSON: a value, braces that make one, or any type with `to_json`. The functions named
/// for a status below take the same. They need <nlohmann/json.hpp> where they are called.
template <class Json = nlohmann::json, class Value = Json>
response respond_json(int status, Value const& value) {
    return respond(status, detail::to_text<Json>(value), "application/json");
}

inline response ok() { return respond(200); }
template <class Json = nlohmann::json, class Value = Json>
response ok(Value const& value) { // 200
    return respond_json<Json>(200, value);
}
inline response ok_text(std::string text) { return respond(200, std::move(text)); }
inline response created() { return respond(201); }
template <class Json = nlohmann::json, class Value = Json>
response created(Value const& value) { // 201
    return respond_json<Json>(201, value);
}
inline response accepted() { return respond(202); }
template <class Json = nlohmann::json, class Value = Json>
response accepted(Value const& value) { // 202
    return respond_json<Json>(202, value);
}
inline response no_content() { return respond(204); }
/// 302, or another redirecting status, to `url`.
response redirect(std::string url, int status = 302);

/// An error for programs to read: `{"error": message}`, the status' usual words where `message` is empty.
response problem(int status, std::string_view message = {});
inline response bad_request(std::string_view message = {}) { return problem(400, message); }
inline response unauthorized(std::string_view message = {}) { return problem(401, message); }
inline response forbidden(std::string_view message = {}) { return problem(403, message); }
inline response not_found(std::string_view message = {}) { return problem(404, message); }
inline response conflict(std::string_view message = {}) { return problem(409, message); }
inline response unprocessable(std::string_view message = {}) { return problem(422, message); }
inline response too_many_requests(std::string_view message = {}) { return problem(429, message); }
inline response internal_error(std::string_view message = {}) { return problem(500, message); }
inline response unavailable(std::string_view message = {}) { return problem(503, message); }

} // namespace effects::http
