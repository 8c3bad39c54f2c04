// SPDX-License-Identifier: BSL-1.0
#include <effects/net/datagram.hpp>

#include <algorithm>
#include <ostream>
#include <stdexcept>

#include <effects/perform.hpp>

namespace effects::net {
namespace {

datagram_transport& open(std::unique_ptr<datagram_transport> const& transport, char const* call) {
    if (!transport) throw std::logic_error(std::string("net::datagram_socket: ") + call + " on an empty socket");
    return *transport;
}

std::span<std::byte const> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

} // namespace

std::ostream& operator<<(std::ostream& out, datagram const& d) {
    return out << d.bytes.size() << (d.truncated ? " bytes and more from " : " bytes from ") << d.from;
}

std::ostream& operator<<(std::ostream& out, bind_datagram const& op) {
    return out << "net::bind_datagram at " << op.at;
}

std::ostream& operator<<(std::ostream& out, connect_datagram const& op) {
    out << "net::connect_datagram to " << op.to;
    if (op.from) out << " from " << *op.from;
    return out;
}

std::ostream& operator<<(std::ostream& out, receive_datagram const& op) {
    return out << "net::receive_datagram of at most " << op.to.size() << " bytes";
}

std::ostream& operator<<(std::ostream& out, send_datagram const& op) {
    out << "net::send_datagram of " << op.bytes.size() << " bytes";
    if (op.to) out << " to " << *op.to;
    return out;
}

datagram datagram_socket::receive(std::size_t limit) {
    if (!buffer_)
        buffer_ = std::make_unique_for_overwrite<std::byte[]>(longest); // never another: a task may wait with it
    std::byte* const buffer = buffer_.get();
    received_datagram got = receive(std::span(buffer, std::min(limit, longest)));
    return {std::string(reinterpret_cast<char const*>(buffer), got.size), std::move(got.from), got.truncated};
}

// A handler may answer, so its answer is checked.
received_datagram datagram_socket::receive(std::span<std::byte> to) {
    received_datagram got = perform(receive_datagram{&open(transport_, "receive"), to});
    if (got.size > to.size())
        throw std::logic_error("net::receive_datagram was answered with more bytes than were asked for");
    return got;
}

void datagram_socket::send_to(std::span<std::byte const> bytes, endpoint const& to) {
    if (open(transport_, "send_to").remote())
        throw std::logic_error("net::datagram_socket: it has a peer, so use send; send_to is for those without one");
    perform(send_datagram{transport_.get(), bytes, &to});
}

void datagram_socket::send_to(std::string_view text, endpoint const& to) { send_to(bytes_of(text), to); }

void datagram_socket::send(std::span<std::byte const> bytes) {
    if (!open(transport_, "send").remote())
        throw std::logic_error("net::datagram_socket: it has no peer, so use send_to, or open it by connect_datagram");
    perform(send_datagram{transport_.get(), bytes, nullptr});
}

void datagram_socket::send(std::string_view text) { send(bytes_of(text)); }

void datagram_socket::join(std::string const& group) { open(transport_, "join").join(group); }

void datagram_socket::leave(std::string const& group) { open(transport_, "leave").leave(group); }

void datagram_socket::close() noexcept {
    if (transport_) transport_->close();
}

endpoint datagram_socket::local() const { return open(transport_, "local").local(); }

std::optional<endpoint> datagram_socket::remote() const { return open(transport_, "remote").remote(); }

datagram_transport& datagram_socket::far_side() const { return open(transport_, "far_side"); }

} // namespace effects::net
