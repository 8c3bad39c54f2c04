// SPDX-License-Identifier: BSL-1.0
#include <effects/net/endpoint.hpp>

#include <algorithm>
#include <charconv>
#include <ostream>
#include <stdexcept>
#include <string_view>

#include <arpa/inet.h>

namespace effects::net {
namespace {

std::string quoted(std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out = "\"";
    for (char c : text.substr(0, 100)) {
        auto const byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        else
            out += c;
    }
    return out + (text.size() > 100 ? "…\"" : "\"");
}

[[noreturn]] void refuse(std::string_view text, std::string const& why) {
    throw std::invalid_argument("not an endpoint (host:port): " + quoted(text) + ": " + why);
}

bool is_ipv6(std::string_view host) {
    auto const zone = host.find('%'); // fe80::1%eth0, RFC 4007
    if (zone != host.npos && zone + 1 == host.size()) return false;
    in6_addr address;
    return inet_pton(AF_INET6, std::string(host.substr(0, zone)).c_str(), &address) == 1;
}

bool may_be_in_a_host(char c) {
    auto const byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f && std::string_view("/@?#[]\\\"<>").find(c) == std::string_view::npos;
}

} // namespace

std::string endpoint::text() const {
    if (is_unix_socket()) return host;
    bool const brackets = host.find(':') != host.npos;
    return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

endpoint endpoint::parse(std::string const& text) {
    std::string_view const all = text;
    if (all.starts_with("unix:") && all.size() > 5 && std::string_view("/.@").find(all[5]) != all.npos) {
        if (all.find('\0') != all.npos) refuse(text, "a zero byte cannot be in a path");
        return unix_socket(all.substr(5));
    }
    auto const colon = all.rfind(':');
    std::string_view host = all.substr(0, colon);
    bool const brackets = !all.empty() && all.front() == '[';
    if (brackets) {
        auto const end = all.find(']');
        if (end == all.npos) refuse(text, "the bracket is not closed");
        if (end + 1 == all.size()) refuse(text, "there is no port");
        if (all[end + 1] != ':') refuse(text, "\"]\" must be followed by \":\" and the port");
        if (end + 1 != colon) refuse(text, "the port is not a number from 0 to 65535");
        host = all.substr(1, end - 1);
        if (!std::all_of(host.begin(), host.end(), may_be_in_a_host) || !is_ipv6(host))
            refuse(text, "only an IPv6 address belongs in brackets");
    } else {
        if (colon == all.npos) refuse(text, "there is no port");
        if (host.empty()) refuse(text, "there is no host");
        if (host.find(':') != host.npos) refuse(text, "an IPv6 address must be in brackets, as in [::1]:80");
        if (!std::all_of(host.begin(), host.end(), may_be_in_a_host))
            refuse(text, "a character that cannot be in a host's name");
    }

    std::string_view const digits = all.substr(colon + 1);
    std::uint16_t port = 0;
    auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (problem != std::errc() || end != digits.data() + digits.size())
        refuse(text, digits.empty() ? "there is no port" : "the port is not a number from 0 to 65535");
    return {std::string(host), port};
}

std::ostream& operator<<(std::ostream& out, endpoint const& e) { return out << e.text(); }

} // namespace effects::net
