// SPDX-License-Identifier: BSL-1.0
#include "server_message.hpp"

#include <algorithm>

#include "text.hpp"

namespace effects::http {
namespace {

bool is_framing(std::string_view name) {
    return equal_names(name, "Content-Length") || equal_names(name, "Transfer-Encoding") ||
           equal_names(name, "Connection") || equal_names(name, "Keep-Alive");
}

/// A reason may come from anywhere; in the status line it must not end the line.
void append_reason(std::string& out, std::string_view reason) {
    for (char c : reason) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
}

/// uri-host [ ":" port ] (RFC 9110, section 7.2), of characters that a host name, or an address in brackets, may have.
bool is_authority(std::string_view text) {
    auto bad = [](char c) {
        return !is_alpha(c) && !is_digit(c) &&
               std::string_view("-._~%!$&'()*+,;=:[]").find(c) == std::string_view::npos;
    };
    if (std::any_of(text.begin(), text.end(), bad)) return false;
    auto const bracket = text.rfind(']');
    auto const colon = text.find(':', bracket == text.npos ? 0 : bracket);
    if (text.starts_with('[') != (bracket != text.npos)) return false;
    if (bracket != text.npos && bracket + 1 != text.size() && colon != bracket + 1) return false;
    return colon == text.npos ||
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(), is_digit);
}

} // namespace

void serialize(std::string& out, response const& r, bool to_head, response_frame const& frame) {
    bool const bodiless = r.status == 204 || r.status == 304;
    out.reserve(out.size() + 256 + (bodiless ? 0 : r.body.size()));
    out.append("HTTP/1.1 ").append(std::to_string(r.status)).append(" ");
    append_reason(out, r.reason.empty() ? reason_phrase(r.status) : std::string_view(r.reason));
    out += "\r\n";
    bool has_date = false;
    for (auto const& f : r.headers) {
        if (is_framing(f.name)) continue;
        has_date = has_date || equal_names(f.name, "Date");
        out.append(f.name).append(": ").append(f.value).append("\r\n");
    }
    if (frame.moment && !has_date) out.append("Date: ").append(format_date(*frame.moment)).append("\r\n");
    if (to_head && !bodiless) {
        auto const* length = r.headers.find("Content-Length"); // as the router put it: of the body that GET has
        out.append("Content-Length: ").append(length ? *length : std::to_string(r.body.size())).append("\r\n");
    } else if (!bodiless) {
        out.append("Content-Length: ").append(std::to_string(r.body.size())).append("\r\n");
    }
    if (frame.close)
        out += "Connection: close\r\n";
    else if (frame.tell_keep_alive)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
    if (!bodiless && !to_head) out += r.body;
}

std::optional<response> objection(request_parser const& request) {
    auto const hosts = std::count_if(request.headers.begin(), request.headers.end(),
                                     [](field const& f) { return equal_names(f.name, "Host"); });
    if (hosts > 1) return bad_request("more than one Host header");
    if (hosts == 0 && request.version >= 11) return bad_request("no Host header");
    if (auto const* host = request.headers.find("Host"); host && !is_authority(*host))
        return bad_request("malformed Host header"); // RFC 9112, section 3.2
    if (auto const* expected = request.headers.find("Expect"); expected && request.version >= 11)
        if (!equal_names(*expected, "100-continue")) return problem(417);
    if (request.method == "CONNECT") return problem(501);
    return std::nullopt;
}

bool expects_continue(request_parser const& request) {
    return request.version >= 11 && request.headers.contains("Expect") && !request.is_done();
}

response refusal(error const& why) {
    if (why.code() == errc::header_too_large) return problem(431, why.message());
    if (why.code() == errc::body_too_large) return problem(413, why.message());
    return bad_request(why.message());
}

} // namespace effects::http
