// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>

#include <effects/http/router.hpp>
#include <effects/http/serve.hpp>
#include <effects/net/stream.hpp>

#include "message_parser.hpp"

namespace effects::http {

/// One connection of a server, from its first request to its last.
class server_connection {
public:
    server_connection(net::stream open, router const& routes, server_options const& options);

    /// Answers requests until the peer or this side has had enough. Throws what the stream throws, and cancellation.
    void run();

    /// Between two requests: closing it now interrupts nothing.
    bool idle() const noexcept { return idle_; }
    /// Answers the request in hand, if any, and closes then.
    void finish() noexcept { finishing_ = true; }
    void close() noexcept { stream_.close(); }
    net::endpoint const& peer() const noexcept { return peer_; }

private:
    bool wait_for_request();
    std::size_t read_more();                              // 0: the peer has gone
    std::optional<response> read(request_parser& parser); // an answer already, if the request is not to be handled
    response handle(request_parser& parser);
    void answer(response const& r, request_parser const& parser, bool close);
    bool more_came(); // than the requests that were answered
    void linger();

    net::stream stream_;
    router const* routes_;
    server_options const* options_;
    net::endpoint peer_;
    input_buffer input_;
    std::string output_;
    bool first_ = true; // no request was answered yet
    bool idle_ = true;
    bool finishing_ = false;
};

} // namespace effects::http
