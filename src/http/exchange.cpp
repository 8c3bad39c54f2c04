// SPDX-License-Identifier: BSL-1.0
#include "exchange.hpp"

#include <exception>

#include <effects/http/error.hpp>
#include <effects/net/error.hpp>

#include "text.hpp"

namespace effects::http {
namespace {

/// True when the peer hung up while we were sending: what it said before may still be there to read.
bool hung_up(std::error_code code) { return code == std::errc::connection_reset || code == std::errc::broken_pipe; }

std::exception_ptr send(connection& over, hop const& h, std::string const& cookies) {
    try {
        over.stream.write(serialize(h, cookies));
        if (h.body.size() > small_body) over.stream.write(h.body);
    } catch (net::error const& e) {
        if (!hung_up(e.code())) throw;
        return std::current_exception();
    }
    return nullptr;
}

bool asks_to_close(http::headers const& headers) {
    bool close = false;
    for (auto const& value : headers.all("Connection"))
        split(value, ',', [&](std::string_view option) { close = close || equal_names(option, "close"); });
    return close;
}

/// Reads one header section; whatever happens, `state` learns whether a byte came.
void read_one_header(connection& over, response_parser& parser, exchange_state& state) {
    struct notice {
        connection& over;
        response_parser& parser;
        exchange_state& state;
        ~notice() { state.heard = state.heard || parser.got_some() || over.input.bytes.size() > 0; }
    } on_exit{over, parser, state};
    if (!read_header(over.stream, over.input, parser))
        throw error(errc::no_response, state.heard ? "connection closed after an interim response"
                                                   : "connection closed before a response");
}

} // namespace

response exchange(connection& over, hop const& h, std::string const& cookies, message_limits limits,
                  exchange_state& state, char const*& phase) {
    phase = "sending the request";
    // A server may answer, and hang up, before it has read all: what it said is worth more than "connection reset".
    auto const not_sent = send(over, h, cookies);
    phase = "waiting for the response";
    constexpr int max_interim = 16;
    for (int interim = 0;; ++interim) {
        response_parser parser(limits);
        parser.decode = h.accepts_encodings;
        if (h.method == "HEAD") parser.skip(true);
        bool unheard = false;
        try {
            read_one_header(over, parser, state);
        } catch (effects::error const&) {
            if (!not_sent) throw;
            unheard = true;
        }
        if (unheard) std::rethrow_exception(not_sent);

        if (parser.status == 101) throw error(errc::malformed_message, "server switches protocols unasked");
        if (parser.status < 200) {
            if (interim == max_interim) throw error(errc::malformed_message, "too many interim (1xx) responses");
            continue;
        }
        phase = "reading the response's body";
        read_body(over.stream, over.input, parser);
        state.reusable = !not_sent && parser.keep_alive() && over.input.bytes.size() == 0 && !asks_to_close(h.headers);
        response r;
        r.status = parser.status;
        r.reason = std::move(parser.reason);
        r.headers = std::move(parser.headers);
        r.body = std::move(parser.body);
        return r;
    }
}

} // namespace effects::http
