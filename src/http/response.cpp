// SPDX-License-Identifier: BSL-1.0
#include <effects/http/response.hpp>

#include <algorithm>
#include <charconv>
#include <ostream>
#include <system_error>

#include <effects/http/url.hpp>

#include "date.hpp"
#include "json.hpp"
#include "text.hpp"

namespace effects::http {

std::optional<std::chrono::nanoseconds> response::retry_after() const {
    using std::chrono::seconds;
    constexpr auto longest = std::chrono::floor<seconds>(std::chrono::nanoseconds::max());
    std::string const* value = headers.find("Retry-After");
    if (!value) return std::nullopt;
    auto text = trimmed(*value);
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_digit)) {
        seconds::rep n = 0;
        bool too_large = std::from_chars(text.data(), text.data() + text.size(), n).ec != std::errc{};
        return too_large ? longest : std::min(seconds(n), longest);
    }
    std::string const* sent = headers.find("Date"); // the server's clock at both ends, whatever ours says
    auto from = sent ? parse_date(*sent) : std::nullopt;
    auto until = parse_date(text);
    if (!from || !until) return std::nullopt;
    return std::clamp(*until - *from, seconds(0), longest);
}

response const& response::raise_for_status() const& {
    if (!ok()) throw status_error(status, reason, url, body, retry_after());
    return *this;
}

response response::raise_for_status() && {
    std::as_const(*this).raise_for_status();
    return std::move(*this);
}

response response::with_header(std::string name, std::string value) const& {
    return response(*this).with_header(std::move(name), std::move(value));
}

response response::with_header(std::string name, std::string value) && {
    headers.set(std::move(name), std::move(value));
    return std::move(*this);
}

std::ostream& operator<<(std::ostream& out, response const& r) {
    out << r.status << ' ' << (r.reason.empty() ? reason_phrase(r.status) : std::string_view(r.reason));
    if (!r.url.empty()) out << " from " << redacted_url(r.url);
    out << '\n' << r.headers;
    if (!r.body.empty()) out << '\n' << r.body.substr(0, 1024) << (r.body.size() > 1024 ? "…" : "");
    return out;
}

void detail::bad_json(response const& from, std::size_t offset, std::string const& reason) {
    error failure(errc::bad_json, describe_bad_json(from.body, offset, reason));
    failure.add_context("reading the " + std::to_string(from.status) + " response" +
                        (from.url.empty() ? "" : " from " + redacted_url(from.url)));
    throw failure;
}

std::string_view reason_phrase(int status) noexcept {
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 203:
        return "Non-Authoritative Information";
    case 204:
        return "No Content";
    case 205:
        return "Reset Content";
    case 206:
        return "Partial Content";
    case 300:
        return "Multiple Choices";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 402:
        return "Payment Required";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 417:
        return "Expectation Failed";
    case 418:
        return "I'm a teapot";
    case 421:
        return "Misdirected Request";
    case 422:
        return "Unprocessable Content";
    case 425:
        return "Too Early";
    case 426:
        return "Upgrade Required";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return {};
    }
}

response respond(int status, std::string body, std::string content_type) {
    response r;
    r.status = status;
    if (!body.empty()) r.headers.set("Content-Type", std::move(content_type));
    r.body = std::move(body);
    return r;
}

response redirect(std::string url, int status) {
    response r;
    r.status = status;
    r.headers.set("Location", std::move(url));
    return r;
}

response problem(int status, std::string_view message) {
    return respond(status, error_json(message.empty() ? reason_phrase(status) : message), "application/json");
}

} // namespace effects::http
