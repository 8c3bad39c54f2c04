// SPDX-License-Identifier: BSL-1.0
#include "hop.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <effects/http/error.hpp>
#include <effects/http/url.hpp>

#include "base64.hpp"
#include "text.hpp"

namespace effects::http {
namespace {

constexpr std::array credentials{"Authorization", "Cookie", "Proxy-Authorization"};

bool is_credential(std::string_view name) {
    return std::any_of(credentials.begin(), credentials.end(), [&](char const* c) { return equal_names(c, name); });
}

/// What the library writes itself, from what it knows.
bool is_framing(std::string_view name) {
    return equal_names(name, "Content-Length") || equal_names(name, "Transfer-Encoding");
}

std::string without_fragment(std::string url) {
    if (auto hash = url.find('#'); hash != std::string::npos) url.resize(hash);
    return url;
}

} // namespace

hop first_hop(request const& r, client_options const& options) {
    hop h;
    h.method = r.method();
    h.url = without_fragment(options.base_url.empty() ? r.url() : join_url(options.base_url, r.url()));
    h.to = split_url(h.url);
    h.headers = r.headers();
    h.body = r.body();

    bool at_home = options.base_url.empty() || split_url(options.base_url).origin == h.to.origin;
    for (auto const& f : options.headers)
        if (!r.headers().contains(f.name) && (at_home || !is_secret_header(f.name))) h.headers.add(f.name, f.value);
    if (h.to.has_userinfo && !h.headers.contains("Authorization"))
        h.headers.add("Authorization", "Basic " + base64(h.to.user + ":" + h.to.password));
    if (!h.headers.contains("Accept")) h.headers.add("Accept", "*/*");
    if (options.decompress && !h.headers.contains("Accept-Encoding")) {
        h.headers.add("Accept-Encoding", "gzip, deflate");
        h.accepts_encodings = true;
    }
    if (!options.user_agent.empty() && !h.headers.contains("User-Agent"))
        h.headers.add("User-Agent", options.user_agent);
    return h;
}

std::optional<hop> next_hop(hop const& sent, int status, http::headers const& answer) {
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) return std::nullopt;
    auto const* location = answer.find("Location");
    if (!location) return std::nullopt;

    hop next;
    next.accepts_encodings = sent.accepts_encodings;
    try {
        next.url = without_fragment(join_url(sent.url, *location));
        next.to = split_url(next.url);
    } catch (std::invalid_argument const& e) {
        throw error(errc::bad_url, "following the redirect of status " + std::to_string(status) + ": " + e.what());
    }
    bool to_get = (status == 303 && sent.method != "HEAD") || (status <= 302 && sent.method == "POST");
    bool same_origin = next.to.origin == sent.to.origin;
    next.method = to_get ? "GET" : sent.method;
    if (!to_get) next.body = sent.body;
    for (auto const& f : sent.headers) {
        if (!same_origin && (is_credential(f.name) || is_secret_header(f.name) || equal_names(f.name, "Host")))
            continue;
        if (to_get && lowered(f.name).starts_with("content-")) continue;
        next.headers.add(f.name, f.value);
    }
    if (next.to.has_userinfo && !next.headers.contains("Authorization"))
        next.headers.add("Authorization", "Basic " + base64(next.to.user + ":" + next.to.password));
    return next;
}

bool is_idempotent(hop const& h) {
    constexpr std::array methods{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    return std::find(methods.begin(), methods.end(), h.method) != methods.end() ||
           h.headers.contains("Idempotency-Key");
}

std::string serialize(hop const& h, std::string const& cookies) {
    std::string out;
    out.reserve(256 + h.to.target.size() + (h.body.size() <= small_body ? h.body.size() : 0));
    out.append(h.method).append(" ").append(h.to.target).append(" HTTP/1.1\r\nHost: ");
    auto const* host = h.headers.find("Host");
    out.append(host ? *host : h.to.origin.authority()).append("\r\n");
    auto field = [&](std::string_view name, std::string_view value) {
        out.append(name).append(": ").append(value).append("\r\n");
    };
    std::string own_cookies;
    for (auto const& f : h.headers) {
        if (equal_names(f.name, "Cookie"))
            own_cookies.append(own_cookies.empty() ? "" : "; ").append(f.value);
        else if (!is_framing(f.name) && !equal_names(f.name, "Host"))
            field(f.name, f.value);
    }
    if (!cookies.empty()) own_cookies.append(own_cookies.empty() ? "" : "; ").append(cookies);
    if (!own_cookies.empty()) field("Cookie", own_cookies);
    bool expects_body = h.method == "POST" || h.method == "PUT" || h.method == "PATCH";
    if (!h.body.empty() || expects_body) field("Content-Length", std::to_string(h.body.size()));
    out += "\r\n";
    if (h.body.size() <= small_body) out += h.body;
    return out;
}

} // namespace effects::http
