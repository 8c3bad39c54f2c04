// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <effects/error.hpp>

namespace effects::http {

/// An HTTP exchange failed: the peer broke the protocol, a limit was passed, a body was not what it should be.
/// What the network did (refused, reset, a bad certificate) is a `net::error`; both are `effects::error`, and both
/// arrive with "while GET https://bank/rates: " in front.
class error : public effects::error {
public:
    using effects::error::error;
    /// The peer closed before its response, or in the midst of it, or no connection became free in time.
    bool transient() const noexcept override;
    [[noreturn]] void throw_copy() const override { throw *this; }
};

/// What can go wrong in HTTP itself.
enum class errc {
    malformed_message = 1, ///< bytes that are not HTTP/1.1: a bad start line, header, length or chunk
    header_too_large,      ///< the header section is larger than the limit
    body_too_large,        ///< the body is, or promises to be, larger than the limit
    body_truncated,        ///< the peer closed before all of the body that it promised had come
    no_response,           ///< the peer closed before the first byte of a response
    too_many_redirects,    ///< a redirect loop, or more redirects than allowed
    bad_url,               ///< a `Location` that is no URL
    unsupported_scheme,    ///< a URL that is neither http: nor https:
    bad_json,              ///< a body that should have been JSON
    bad_encoding,          ///< a `Content-Encoding` that does not decode
    status,                ///< a status of 400 or more, where the caller asked for success
    bad_request,           ///< on a server: the request is not what the handler needs
    no_free_connection,    ///< every connection to the host stayed busy for as long as the caller would wait
};

std::error_category const& category() noexcept;
inline std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

/// What `response::raise_for_status` throws for a status of 400 or more.
///
///     catch (http::status_error const& e) { if (e.status() == 404) …; log(e.what(), e.body()); }
class status_error : public error {
public:
    /// Keeps the first KiB of `body`.
    status_error(int status, std::string_view reason, std::string url, std::string_view body,
                 std::optional<std::chrono::nanoseconds> retry_after = std::nullopt);

    int status() const noexcept { return status_; }
    /// Where the response came from, secrets taken out; empty when it is unknown.
    std::string const& url() const noexcept { return url_; }
    /// The first KiB of the response's body. It stays out of `what()`: who knows what it holds.
    std::string const& body() const noexcept { return body_; }
    /// The server is busy, or one in between could not reach it: 408, 429, 502, 503, 504.
    bool transient() const noexcept override;
    /// As the response's `retry_after()`.
    std::optional<std::chrono::nanoseconds> retry_after() const noexcept override { return retry_after_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    int status_;
    std::string url_;
    std::string body_;
    std::optional<std::chrono::nanoseconds> retry_after_;
};

/// Thrown by a handler of a `router` to answer with an error: the client gets the status and the message as
/// `{"error": message}`. What `incoming` throws when a parameter or a body is not what was asked for (400).
///
///     throw http::request_error(409, "order " + id + " is already paid");
class request_error : public error {
public:
    request_error(int status, std::string message, errc code = errc::bad_request);

    int status() const noexcept { return status_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    int status_;
};

} // namespace effects::http

template <>
struct std::is_error_code_enum<effects::http::errc> : std::true_type {};
