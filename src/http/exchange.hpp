// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include <effects/http/response.hpp>

#include "connection_pool.hpp"
#include "hop.hpp"
#include "message_parser.hpp"

namespace effects::http {

/// What an exchange over one connection came to, also where it failed.
struct exchange_state {
    bool heard = false;    ///< a byte of a response came: the server has seen the request
    bool reusable = false; ///< both sides are between two messages
};

/// Sends a request over an open connection and reads the response, past interim ones (1xx). Throws `http::error` and what
/// the stream throws; `state` says then how far it came, and `phase`, in words, what was going on.
response exchange(connection& over, hop const& h, std::string const& cookies, message_limits limits,
                  exchange_state& state, char const*& phase);

} // namespace effects::http
