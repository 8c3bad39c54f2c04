// SPDX-License-Identifier: BSL-1.0
#include <effects/http/error.hpp>

#include <effects/http/response.hpp>
#include <effects/http/url.hpp>

namespace effects::http {
namespace {

class http_category final : public std::error_category {
public:
    char const* name() const noexcept override { return "effects.http"; }

    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
        case errc::malformed_message:
            return "malformed HTTP message";
        case errc::header_too_large:
            return "HTTP header section too large";
        case errc::body_too_large:
            return "HTTP body too large";
        case errc::body_truncated:
            return "HTTP body shorter than promised";
        case errc::no_response:
            return "connection closed before a response";
        case errc::too_many_redirects:
            return "too many redirects";
        case errc::bad_url:
            return "malformed URL";
        case errc::unsupported_scheme:
            return "unsupported URL scheme";
        case errc::bad_json:
            return "malformed JSON";
        case errc::bad_encoding:
            return "malformed content encoding";
        case errc::status:
            return "error status";
        case errc::bad_request:
            return "bad request";
        case errc::no_free_connection:
            return "no free connection";
        }
        return "unknown HTTP error";
    }
};

std::string describe(int status, std::string_view reason, std::string const& url) {
    std::string text = url.empty() ? std::string{} : url + " answered ";
    text += std::to_string(status);
    if (reason.empty()) reason = reason_phrase(status);
    if (!reason.empty()) text.append(1, ' ').append(reason);
    return text;
}

constexpr std::size_t kept_body = 1024;

} // namespace

std::error_category const& category() noexcept {
    static http_category const one;
    return one;
}

bool error::transient() const noexcept {
    return code() == errc::no_response || code() == errc::body_truncated || code() == errc::no_free_connection ||
           effects::error::transient();
}

status_error::status_error(int status, std::string_view reason, std::string url, std::string_view body,
                           std::optional<std::chrono::nanoseconds> retry_after)
    : error(errc::status, describe(status, reason, redacted_url(url))), status_(status), url_(redacted_url(url)),
      body_(body.substr(0, kept_body)), retry_after_(retry_after) {}

bool status_error::transient() const noexcept {
    return status_ == 408 || status_ == 429 || status_ == 502 || status_ == 503 || status_ == 504;
}

request_error::request_error(int status, std::string message, errc code)
    : error(code, std::move(message)), status_(status) {}

} // namespace effects::http
