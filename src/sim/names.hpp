// SPDX-License-Identifier: BSL-1.0
// What a host's name says of it.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>

namespace effects::sim::detail {

inline std::string canonical(std::string const& host) { return host == "localhost" ? "127.0.0.1" : host; }

inline bool is_ipv6(std::string const& host) { return host.find(':') != host.npos && !host.starts_with("unix:"); }

inline bool is_ipv4(std::string const& host) {
    return !host.empty() && host.find_first_not_of("0123456789.") == host.npos;
}

inline bool is_address(std::string const& host) { return host.find(':') != host.npos || is_ipv4(host); }

inline bool is_loopback(std::string const& address) {
    return address.starts_with("127.") || address == "::1" || address.starts_with("unix:");
}

inline constexpr char const* any_address[] = {"0.0.0.0", "::"};

inline bool is_any(std::string const& address) {
    return std::find(std::begin(any_address), std::end(any_address), address) != std::end(any_address);
}

// Of two sockets at one port of a machine, what is sent to the one might be the other's. One that is not named has no addresses but the loopback's.
inline bool overlap(bool named_machine, std::string const& one, std::string const& other) {
    if (one == other) return true;
    if (is_any(other) && !is_any(one)) return overlap(named_machine, other, one);
    if (!is_any(one)) return false;
    if (one == "0.0.0.0") return other == "::" || (is_loopback(other) ? !is_ipv6(other) : named_machine);
    return is_any(other) || is_loopback(other) || named_machine;
}

// How an IPv6 socket sees an IPv4 address (RFC 4291, section 2.5.5.2).
inline constexpr char const* mapped_prefix = "::ffff:";

inline bool is_broadcast(std::string const& host) { return host == "255.255.255.255" || host == "127.255.255.255"; }

inline bool is_group(std::string const& host) {
    if (is_ipv6(host)) return host.starts_with("ff") || host.starts_with("FF");
    if (!is_ipv4(host)) return false;
    int first = 0;
    for (char c : host.substr(0, host.find('.'))) first = std::min(10 * first + (c - '0'), 1000);
    return first >= 224 && first <= 239;
}

} // namespace effects::sim::detail
