// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <concepts>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <effects/http/detail/json.hpp>
#include <effects/http/headers.hpp>
#include <effects/http/response.hpp>

namespace effects::http {

/// Asks for an HTTP exchange: the operation of this vocabulary, a value that says what is wanted and not how.
/// `http::client` answers it over the network, `http::in_process(router)` without one, a mock from a table.
///
///     auto charge = perform(http::post("https://pay.example/charges").json({{"cents", 900}}).timeout(2s));
///
/// Builders chain on temporaries and work on named requests alike. What cannot be sent (a malformed URL, a line
/// break in a header) throws `std::invalid_argument` from the builder. Equal when all parts are; printing and
/// messages show no credentials.
class request {
public:
    using result_type = response;
    static constexpr bool replayable = true;
    using duration = std::chrono::nanoseconds;

    /// `url` is absolute, or relative where the handler has a base URL; its escapes are sent as they are given.
    request(std::string method, std::string url);

    // What was asked for.
    std::string const& method() const& noexcept { return method_; }
    std::string const& url() const& noexcept { return url_; }
    http::headers const& headers() const& noexcept { return headers_; }
    std::string const& body() const& noexcept { return body_; }
    std::string method() && { return std::move(method_); }
    std::string url() && { return std::move(url_); }
    http::headers headers() && { return std::move(headers_); }
    std::string body() && { return std::move(body_); }
    std::optional<duration> timeout() const noexcept { return timeout_; }
    /// Empty: as the client is set.
    std::optional<bool> follow_redirects() const noexcept { return follow_redirects_; }
    /// The first value of a header.
    std::optional<std::string> header(std::string_view name) const { return headers_.get(name); }
    /// The URL's query, decoded, in order.
    std::vector<field> query() const;
    /// The body as JSON; throws `http::error` (`errc::bad_json`).
    template <class Json = nlohmann::json>
    Json json() const {
        return detail::from_text<Json>(body_, [&](std::size_t at, std::string const& why) { bad_json(at, why); });
    }

    /// Replaces a header; `add_header` repeats it.
    request& header(std::string name, std::string value) &;
    request& add_header(std::string name, std::string value) &;
    /// Adds a parameter to the URL's query, percent-encoded.
    request& query(std::string_view name, std::string_view value) &;
    template <std::integral Number>
    request& query(std::string_view name, Number value) & {
        if constexpr (std::same_as<Number, bool>)
            return query(name, std::string_view(value ? "true" : "false"));
        else
            return query(name, std::string_view(std::to_string(value)));
    }
    request& body(std::string bytes, std::string content_type = {}) &;
    /// The body as JSON text, `application/json`. Takes a JSON value (or braces that make one) or any type with
    /// `to_json`; needs <nlohmann/json.hpp> where it is called.
    template <class Json = nlohmann::json, class Value = Json>
    request& json(Value const& value) & {
        return body(detail::to_text<Json>(value), "application/json");
    }
    /// The body as an HTML form, `application/x-www-form-urlencoded`.
    request& form(std::vector<field> const& fields) &;
    /// Bounds the whole exchange: waiting for a connection, redirects, the body. Replaces the client's.
    request& timeout(duration limit) &;
    request& follow_redirects(bool follow) &;
    request& bearer(std::string const& token) &;
    request& basic_auth(std::string const& user, std::string const& password) &;

    request header(std::string n, std::string v) && { return move_after(header(std::move(n), std::move(v))); }
    request add_header(std::string n, std::string v) && { return move_after(add_header(std::move(n), std::move(v))); }
    request query(std::string_view n, std::string_view v) && { return move_after(query(n, v)); }
    template <std::integral Number>
    request query(std::string_view name, Number value) && {
        return move_after(query(name, value));
    }
    request body(std::string bytes, std::string content_type = {}) && {
        return move_after(body(std::move(bytes), std::move(content_type)));
    }
    template <class Json = nlohmann::json, class Value = Json>
    request json(Value const& value) && {
        return move_after(json<Json>(value));
    }
    request form(std::vector<field> const& fields) && { return move_after(form(fields)); }
    request timeout(duration limit) && { return move_after(timeout(limit)); }
    request follow_redirects(bool follow) && { return move_after(follow_redirects(follow)); }
    request bearer(std::string const& token) && { return move_after(bearer(token)); }
    request basic_auth(std::string const& user, std::string const& password) && {
        return move_after(basic_auth(user, password));
    }

    bool operator==(request const&) const = default;
    friend std::ostream& operator<<(std::ostream&, request const&);

private:
    static request move_after(request& self) { return std::move(self); }
    [[noreturn]] void bad_json(std::size_t offset, std::string const& reason) const;

    std::string method_;
    std::string url_;
    http::headers headers_;
    std::string body_;
    std::optional<duration> timeout_;
    std::optional<bool> follow_redirects_;
};

inline request get(std::string url) { return {"GET", std::move(url)}; }
inline request head(std::string url) { return {"HEAD", std::move(url)}; }
inline request post(std::string url) { return {"POST", std::move(url)}; }
inline request put(std::string url) { return {"PUT", std::move(url)}; }
inline request patch(std::string url) { return {"PATCH", std::move(url)}; }
inline request del(std::string url) { return {"DELETE", std::move(url)}; }
inline request options(std::string url) { return {"OPTIONS", std::move(url)}; }

/// How `actual` differs from what `pattern` sets, one line a difference; none when it matches. The method, the URL
/// and every header that the pattern has must be equal; the body, the timeout and the redirects only where the pattern
/// sets them. JSON bodies are compared as JSON.
std::vector<std::string> differences(request const& pattern, request const& actual);
inline bool matches(request const& pattern, request const& actual) { return differences(pattern, actual).empty(); }

} // namespace effects::http
