// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>

#include <effects/http/error.hpp>
#include <effects/http/response.hpp>

#include "date.hpp"
#include "message_parser.hpp"

namespace effects::http {

/// What the framing of a response depends on.
struct response_frame {
    bool close = false;              ///< the connection ends after it
    bool tell_keep_alive = false;    ///< to a client of HTTP/1.0, which would expect the end
    std::optional<date> moment = {}; ///< for the Date field
};

/// Appends the header section and the body. What frames the message is written here and nowhere else; a response to HEAD, 204 and
/// 304 have no body.
void serialize(std::string& out, response const& r, bool to_head, response_frame const& frame);

/// What is wrong with a request whose header section is complete (RFC 9112, sections 3.2 and 6), as the response to give.
std::optional<response> objection(request_parser const& request);

/// True when the client waits for "100 Continue" before it sends the body.
bool expects_continue(request_parser const& request);

/// The response to a request that could not be read.
response refusal(error const& why);

} // namespace effects::http
