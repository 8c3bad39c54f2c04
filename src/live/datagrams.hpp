// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include <effects/net/datagram.hpp>

#include "address.hpp"

namespace effects::live::detail {

class event_loop;

// At the first address where that can be done.
net::datagram_socket bind_at(event_loop& loop, std::vector<address> const& addresses, net::datagram_options const& how);
// To the first address to which there is a way; `from`: empty, or the local addresses to take.
net::datagram_socket connect_from(event_loop& loop, std::vector<address> const& from, std::vector<address> const& to,
                                  net::datagram_options const& how);

} // namespace effects::live::detail
