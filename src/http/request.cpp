// SPDX-License-Identifier: BSL-1.0
#include <effects/http/request.hpp>

#include <algorithm>
#include <ostream>
#include <sstream>
#include <stdexcept>

#include <effects/http/error.hpp>
#include <effects/http/url.hpp>

#include "base64.hpp"
#include "json.hpp"
#include "text.hpp"
#include "url_parts.hpp"

namespace effects::http {

request::request(std::string method, std::string url) : method_(std::move(method)), url_(std::move(url)) {
    if (!is_token(method_)) throw std::invalid_argument("HTTP method " + quoted(method_) + " is not a token");
    check_url(url_);
}

request& request::header(std::string name, std::string value) & {
    headers_.set(std::move(name), std::move(value));
    return *this;
}

request& request::add_header(std::string name, std::string value) & {
    headers_.add(std::move(name), std::move(value));
    return *this;
}

request& request::query(std::string_view name, std::string_view value) & {
    auto fragment = std::min(url_.find('#'), url_.size());
    auto question = url_.find('?');
    bool has_query = question < fragment;
    bool open = has_query && (question + 1 == fragment || url_[fragment - 1] == '&');
    std::string added = !has_query ? "?" : open ? "" : "&";
    added += percent_encode(name) + "=" + percent_encode(value);
    url_.insert(fragment, added);
    return *this;
}

std::vector<field> request::query() const {
    std::string_view rest(url_);
    rest = rest.substr(0, rest.find('#'));
    return decode_form(cut(rest, '?').second);
}

request& request::body(std::string bytes, std::string content_type) & {
    if (!content_type.empty()) headers_.set("Content-Type", std::move(content_type));
    body_ = std::move(bytes);
    return *this;
}

request& request::form(std::vector<field> const& fields) & {
    return body(encode_form(fields), "application/x-www-form-urlencoded");
}

request& request::timeout(duration limit) & {
    if (limit <= duration::zero()) throw std::invalid_argument("a request's timeout has to be positive");
    timeout_ = limit;
    return *this;
}

request& request::follow_redirects(bool follow) & {
    follow_redirects_ = follow;
    return *this;
}

request& request::bearer(std::string const& token) & { return header("Authorization", "Bearer " + token); }

request& request::basic_auth(std::string const& user, std::string const& password) & {
    if (user.find(':') != std::string::npos) // RFC 7617, section 2
        throw std::invalid_argument("the user name of basic authentication has a colon");
    return header("Authorization", "Basic " + base64(user + ":" + password));
}

void request::bad_json(std::size_t offset, std::string const& reason) const {
    error failure(errc::bad_json, describe_bad_json(body_, offset, reason));
    failure.add_context("reading the body of " + method_ + " " + redacted_url(url_));
    throw failure;
}

std::ostream& operator<<(std::ostream& out, request const& r) {
    out << r.method_ << ' ' << redacted_url(r.url_);
    if (r.timeout_)
        out << " (timeout " << std::chrono::duration_cast<std::chrono::milliseconds>(*r.timeout_).count() << " ms)";
    out << '\n' << r.headers_;
    if (!r.body_.empty()) out << '\n' << r.body_.substr(0, 1024) << (r.body_.size() > 1024 ? "…" : "");
    return out;
}

std::vector<std::string> differences(request const& pattern, request const& actual) {
    std::vector<std::string> found;
    auto differ = [&](std::string const& what, std::string const& expected, std::string const& got) {
        found.push_back(what + ": expected " + expected + ", got " + got);
    };
    if (pattern.method() != actual.method()) differ("method", pattern.method(), actual.method());
    if (pattern.url() != actual.url()) differ("url", redacted_url(pattern.url()), redacted_url(actual.url()));
    for (auto const& f : pattern.headers()) {
        if (pattern.headers().all(f.name) == actual.headers().all(f.name)) continue;
        bool secret = is_secret_header(f.name);
        auto got = actual.header(f.name);
        differ("header " + f.name, secret ? "***" : quoted(f.value), !got ? "none" : secret ? "another" : quoted(*got));
    }
    if (!pattern.body().empty() && pattern.body() != actual.body() && !equal_json(pattern.body(), actual.body()))
        differ("body", quoted(pattern.body()), quoted(actual.body()));
    if (pattern.timeout() && pattern.timeout() != actual.timeout()) {
        auto text = [](std::optional<request::duration> d) {
            std::ostringstream out;
            if (!d) return std::string("none");
            out << std::chrono::duration<double>(*d).count() << " s";
            return out.str();
        };
        differ("timeout", text(pattern.timeout()), text(actual.timeout()));
    }
    if (pattern.follow_redirects() && pattern.follow_redirects() != actual.follow_redirects())
        differ("follow_redirects", *pattern.follow_redirects() ? "true" : "false",
               actual.follow_redirects() == !*pattern.follow_redirects() ? "the opposite" : "unset");
    return found;
}

} // namespace effects::http
