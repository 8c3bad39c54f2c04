// SPDX-License-Identifier: BSL-1.0
#include "cookies.hpp"

#include <algorithm>
#include <charconv>

#include "text.hpp"

namespace effects::http {
namespace {

constexpr std::size_t max_cookie = 8192;    // name, value and attributes of one
constexpr std::size_t max_per_domain = 100; // RFC 6265, section 6.1, asks for 50
constexpr std::size_t max_cookies = 3000;

bool is_address(std::string_view host) {
    if (host.find(':') != std::string_view::npos) return true;
    return std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

/// RFC 6265, section 5.1.3; both in lower case.
bool domain_matches(std::string_view host, std::string_view domain) {
    if (host == domain) return true;
    return host.size() > domain.size() && host.substr(host.size() - domain.size()) == domain &&
           host[host.size() - domain.size() - 1] == '.' && !is_address(host);
}

/// RFC 6265, section 5.1.4.
bool path_matches(std::string_view request, std::string_view cookie) {
    if (request.substr(0, cookie.size()) != cookie) return false;
    return request.size() == cookie.size() || cookie.back() == '/' || request[cookie.size()] == '/';
}

std::string default_path(std::string_view path) {
    auto slash = path.rfind('/');
    if (path.empty() || path.front() != '/' || slash == 0) return "/";
    return std::string(path.substr(0, slash));
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && byte != '\t') || byte == 0x7f;
    });
}

bool expired(cookie const& c, date now) { return c.expires && *c.expires <= now; }

/// Seconds from now, or the end of time for more than a cookie may live.
std::optional<date> after_seconds(std::string_view text, date now) {
    bool negative = !text.empty() && text.front() == '-';
    auto digits = negative ? text.substr(1) : text;
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
    constexpr long longest = 400L * 24 * 3600; // RFC 6265bis, section 5.5
    long seconds = 0;
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (failure != std::errc{} || seconds > longest) seconds = longest;
    if (negative || seconds == 0) return date::min();
    return now + std::chrono::seconds(seconds);
}

} // namespace

std::optional<cookie> parse_set_cookie(std::string_view value, origin const& from, std::string_view path, date now) {
    if (value.size() > max_cookie || has_control(value)) return std::nullopt;
    auto [pair, attributes] = cut(value, ';');
    if (pair.find('=') == std::string_view::npos) return std::nullopt;
    auto [name, content] = cut(pair, '=');

    cookie made;
    made.name = trimmed(name);
    made.value = trimmed(content);
    made.domain = from.host;
    made.path = default_path(path);
    if (made.name.empty()) return std::nullopt;

    bool acceptable = true;
    bool has_max_age = false;
    split(attributes, ';', [&](std::string_view attribute) {
        auto [raw_key, raw_value] = cut(attribute, '=');
        auto key = lowered(trimmed(raw_key));
        auto text = trimmed(raw_value);
        if (key == "secure") {
            made.secure = true;
        } else if (key == "path") {
            if (!text.empty() && text.front() == '/') made.path = text;
        } else if (key == "max-age") {
            if (auto until = after_seconds(text, now)) {
                has_max_age = true;
                made.expires = until;
            }
        } else if (key == "expires") {
            if (auto until = parse_date(text); until && !has_max_age) made.expires = until;
        } else if (key == "domain" && !text.empty()) {
            if (text.front() == '.') text.remove_prefix(1);
            auto domain = lowered(text);
            made.host_only = domain == from.host && (is_address(domain) || domain.find('.') == std::string::npos);
            bool too_wide = domain.find('.') == std::string::npos && domain != from.host;
            acceptable = acceptable && !too_wide && domain_matches(from.host, domain);
            made.domain = domain;
        }
    });
    if (!acceptable || (made.secure && !from.secure)) return std::nullopt;

    // RFC 6265bis, section 4.1.3: names that promise something have to keep it.
    auto prefix = lowered(made.name);
    if (prefix.starts_with("__secure-") && !made.secure) return std::nullopt;
    if (prefix.starts_with("__host-") && (!made.secure || !made.host_only || made.path != "/")) return std::nullopt;
    return made;
}

void cookie_jar::store(std::string_view set_cookie, origin const& from, std::string_view path, date now) {
    auto made = parse_set_cookie(set_cookie, from, path, now);
    if (!made) return;
    auto same = std::find_if(cookies_.begin(), cookies_.end(), [&](cookie const& c) {
        return c.name == made->name && c.domain == made->domain && c.path == made->path;
    });
    if (same != cookies_.end()) {
        if (same->secure && !from.secure) return; // RFC 6265bis, section 5.7: not from an insecure origin
        if (expired(*made, now))
            cookies_.erase(same);
        else
            *same = std::move(*made);
        return;
    }
    if (expired(*made, now)) return;

    auto same_domain = [&](cookie const& c) { return c.domain == made->domain; };
    if (std::count_if(cookies_.begin(), cookies_.end(), same_domain) >= static_cast<std::ptrdiff_t>(max_per_domain))
        cookies_.erase(std::find_if(cookies_.begin(), cookies_.end(), same_domain));
    else if (cookies_.size() >= max_cookies)
        cookies_.erase(cookies_.begin());
    cookies_.push_back(std::move(*made));
}

std::string cookie_jar::header_for(origin const& to, std::string_view path, date now) {
    std::erase_if(cookies_, [&](cookie const& c) { return expired(c, now); });
    std::vector<cookie const*> chosen;
    for (auto const& c : cookies_) {
        bool at_home = c.host_only ? to.host == c.domain : domain_matches(to.host, c.domain);
        if (at_home && path_matches(path, c.path) && (!c.secure || to.secure)) chosen.push_back(&c);
    }
    std::sort(chosen.begin(), chosen.end(), [](cookie const* a, cookie const* b) {
        return a->path.size() != b->path.size() ? a->path.size() > b->path.size() : a < b; // the older one first
    });
    std::string header;
    for (auto const* c : chosen) {
        if (!header.empty()) header += "; ";
        header.append(c->name).append("=").append(c->value);
    }
    return header;
}

} // namespace effects::http
