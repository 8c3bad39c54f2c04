// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <vector>

#include <effects/net/listen.hpp>
#include <effects/net/stream.hpp>

#include "address.hpp"

namespace effects::live::detail {

class event_loop;

// Connects to the first address that answers; a later one is tried when those before it take long.
net::stream connect_to(event_loop& loop, net::endpoint const& name, std::vector<address> const& addresses);
// Listens at the first address where that can be done.
net::listener listen_at(event_loop& loop, std::vector<address> const& addresses, int backlog, bool reuse_port);

} // namespace effects::live::detail
