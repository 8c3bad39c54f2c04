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

inline constexpr char const* any_address[] = {"0.0.0.0", "::", ""};

inline bool is_any(std::string const& address) {
    return std::find(std::begin(any_address), std::end(any_address), address) != std::end(any_address);
}

} // namespace effects::sim::detail
