// SPDX-License-Identifier: BSL-1.0
#include "server_connection.hpp"

#include <exception>

#include <effects/async/cancelled.hpp>
#include <effects/async/timeout.hpp>
#include <effects/net/error.hpp>

#include "server_message.hpp"
#include "text.hpp"
#include "world.hpp"

namespace effects::http {
namespace {

std::string_view text_of(input_buffer const& input) {
    auto data = input.bytes.cdata();
    return {static_cast<char const*>(data.data()), data.size()};
}

bool wants_close(response const& r) {
    bool close = false;
    if (auto const* options = r.headers.find("Connection"))
        split(*options, ',', [&](std::string_view option) { close = close || equal_names(option, "close"); });
    return close;
}

} // namespace

server_connection::server_connection(net::stream open, router const& routes, server_options const& options)
    : stream_(std::move(open)), routes_(&routes), options_(&options), peer_(stream_.remote()),
      input_(options.max_header_bytes + input_buffer::read_size) {}

void server_connection::run() {
    while (wait_for_request()) {
        idle_ = false;
        request_parser parser({options_->max_header_bytes, options_->max_body_bytes});
        auto refused = read(parser);
        auto const r = refused ? std::move(*refused) : handle(parser);
        bool const close = refused || finishing_ || !parser.keep_alive() || wants_close(r) ||
                           options_->keep_alive <= std::chrono::nanoseconds::zero();
        answer(r, parser, close);
        if (refused || (close && more_came())) return linger();
        if (close) return stream_.shutdown_write();
        first_ = false;
        idle_ = input_.bytes.size() == 0;
    }
}

bool server_connection::more_came() { return input_.bytes.size() > 0 || stream_.stale(); }

bool server_connection::wait_for_request() {
    auto const patience = first_ ? options_->read_timeout : options_->keep_alive;
    for (;;) {
        // A line break too many after a body is an old client's habit (RFC 9112, section 2.2).
        while (text_of(input_).starts_with("\r\n")) input_.bytes.consume(2);
        if (input_.bytes.size() > 0 && text_of(input_) != "\r") return true;
        if (finishing_) return false;
        auto came = async::try_timeout(patience, [&] { return read_more(); });
        if (!came || *came == 0) return false;
        input_.bytes.commit(*came);
    }
}

std::size_t server_connection::read_more() {
    auto room = input_.bytes.prepare(input_.bytes.capacity() - input_.bytes.size());
    try {
        return stream_.read_some({static_cast<std::byte*>(room.data()), room.size()});
    } catch (net::error const& e) {
        // Between two requests nothing can have been cut off: a client that ends TLS by closing the socket has just gone.
        if (e.code() != net::errc::end_of_stream || input_.bytes.size() > 0) throw;
        return 0;
    }
}

std::optional<response> server_connection::read(request_parser& parser) {
    std::optional<response> refused;
    try {
        auto in_time = async::try_timeout(options_->read_timeout, [&] {
            read_header(stream_, input_, parser);
            refused = objection(parser);
            if (refused) return;
            if (expects_continue(parser) && input_.bytes.size() == 0) stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
            read_body(stream_, input_, parser);
        });
        if (!in_time) return problem(408);
        return refused;
    } catch (error const& e) {
        if (options_->on_fault) options_->on_fault(peer_, e);
        return refusal(e);
    }
}

response server_connection::handle(request_parser& parser) {
    try {
        auto r = (*routes_)(incoming(std::move(parser.method), std::move(parser.target), std::move(parser.headers),
                                     std::move(parser.body), peer_));
        return r.status >= 200 && r.status <= 999 ? r : internal_error();
    } catch (async::cancelled const&) {
        throw;
    } catch (std::exception const&) { // the router lets none pass
        throw;
    } catch (...) { // `throw 42` is a bug of one handler, not the end of all connections
        return internal_error();
    }
}

void server_connection::answer(response const& r, request_parser const& parser, bool close) {
    output_.clear();
    serialize(output_, r, parser.head, {close, parser.version < 11, wall_now()});
    if (!async::try_timeout(options_->write_timeout, [&] { stream_.write(output_); })) stream_.close();
    constexpr std::size_t kept_output = 64 * 1024;
    if (output_.capacity() > kept_output) output_ = {};
}

void server_connection::linger() {
    // Closing over unread bytes resets the connection, and the peer may never read why it was refused.
    constexpr auto patience = std::chrono::seconds(2);
    constexpr std::size_t most = 1024 * 1024;
    stream_.shutdown_write();
    try {
        async::try_timeout(patience, [&] {
            input_.bytes.clear();
            for (std::size_t total = 0; total < most;) {
                auto room = input_.bytes.prepare(input_.bytes.capacity());
                auto n = stream_.read_some({static_cast<std::byte*>(room.data()), room.size()});
                if (n == 0) return;
                total += n;
            }
        });
    } catch (net::error const&) { // it had its answer, or did not wait for it
    }
    stream_.close();
}

} // namespace effects::http
