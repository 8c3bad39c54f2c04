// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <effects/net/endpoint.hpp>
#include <effects/net/error.hpp>

namespace effects::net {

/// One message of UDP, and who sent it.
struct datagram {
    std::string bytes;
    endpoint from;
    bool truncated = false; ///< it was longer than was asked for: `bytes` is how it begins, the rest is lost

    bool operator==(datagram const&) const = default;
    friend std::ostream& operator<<(std::ostream&, datagram const&); ///< how long, and from whom
};

/// Of a datagram that was received into the caller's memory.
struct received_datagram {
    std::size_t size = 0; ///< bytes that are there now
    endpoint from;
    bool truncated = false; ///< there were more; they are lost

    bool operator==(received_datagram const&) const = default;
};

/// How a datagram socket is opened.
struct datagram_options {
    /// Several sockets at one address, if all say so, share what comes: one for each thread, or process. All that one sender sends comes to the same one, as
    /// long as none opens or closes (SO_REUSEPORT).
    bool reuse_port = false;
    bool broadcast = false; ///< may send to a broadcast address; else that is `std::errc::permission_denied`
    /// Bytes that wait to be received, with what the system needs to keep them; what comes when they are used up is dropped. 0: the system's
    /// default. Linux caps it at net.core.rmem_max.
    std::size_t receive_buffer = 0;
    unsigned multicast_hops =
        1; ///< how many networks away what is sent to a group is heard, 255 at most; 1: on the local one
    std::string multicast_interface = {}; ///< "eth0": where groups are joined and sent to; empty: where the system says

    bool operator==(datagram_options const&) const = default;
};

/// The far side of a `datagram_socket`, as a world implements it. A call that cannot go on suspends the task, nobody else. Cancelling a suspended call
/// throws `async::cancelled` out of it; no datagram has been sent, or taken, then.
class datagram_transport {
public:
    virtual ~datagram_transport() = default; ///< closes; never suspends

    /// Sends one datagram, to the peer where `to` is null. Throws `net::error`.
    virtual void send(std::span<std::byte const> bytes, endpoint const* to) = 0;
    /// The next datagram: as much of it as fits. Throws `net::error`.
    virtual received_datagram receive(std::span<std::byte> to) = 0;
    virtual void join(std::string const& group) = 0;
    virtual void leave(std::string const& group) = 0;
    /// Drops what was not received; tasks suspended in a call get `errc::closed`. Twice is fine.
    virtual void close() noexcept = 0;
    virtual endpoint local() const = 0;
    /// Nothing: there is no peer.
    virtual std::optional<endpoint> remote() const = 0;
};

/// An open UDP socket: what `perform(net::bind_datagram(…))` and `perform(net::connect_datagram(…))` give.
///
///     net::datagram_socket socket = perform(net::bind_datagram({"0.0.0.0", 9000}));
///     for (;;) {
///         net::datagram got = socket.receive();
///         socket.send_to(got.bytes, got.from);
///     }
///
/// A datagram arrives whole, once, twice, or not at all, and in any order; nobody is told of a loss, and no end of a peer is seen. Who asks for an answer waits for
/// it by `async::try_timeout`, and asks again.
///
/// Moves, does not copy; the destructor closes. One task may receive (a second one is a `std::logic_error`) while any number send. Every call that cannot go on
/// suspends its task only; every failure throws `net::error`. A call that was cancelled has neither sent nor taken a datagram. A call on an
/// empty socket (default-constructed, moved from) throws `std::logic_error`.
class datagram_socket {
public:
    /// No datagram of UDP is longer.
    static constexpr std::size_t longest = 65'535;

    datagram_socket() = default;
    explicit datagram_socket(std::unique_ptr<datagram_transport> far_side) noexcept : transport_(std::move(far_side)) {}

    /// Performs `net::receive_datagram`: suspends until a datagram is there, which may be empty. With a `limit`, its first bytes, and `truncated`
    /// says whether there were more: no stranger's datagram makes it throw.
    ///
    /// With a peer, only what the peer sent; and `std::errc::connection_refused` once its machine has said that nobody is at the port we sent to. The socket
    /// stays as it was.
    datagram receive(std::size_t limit = longest);
    /// The same, into the caller's memory: nothing is allocated.
    received_datagram receive(std::span<std::byte> to);

    /// Performs `net::send_datagram`: hands one datagram, which may be empty, to the network; suspends only where the system has no room for it. A name is
    /// resolved each time, and its first address taken that the socket can send to (an IPv4 one takes IPv4 addresses only; one at "::", both).
    ///
    /// Throws `std::errc::message_size` when it is longer than UDP can take, 65,507 bytes over IPv4, as a `net::error` that names the address; that it arrives, nobody
    /// promises. A few hundred bytes (1,232, RFC 8085) are not cut into pieces on the way, of which none may be lost.
    void send_to(std::span<std::byte const> bytes, endpoint const& to);
    void send_to(std::string_view text, endpoint const& to);
    /// The same, to the peer. Throws `std::errc::connection_refused` where `receive` would, and has not sent it then. A socket without a peer is a
    /// `std::logic_error`; so is `send_to` of one that has a peer.
    void send(std::span<std::byte const> bytes);
    void send(std::string_view text);

    /// Receives what is sent to a group ("239.1.2.3", "ff02::4711") at the local port as well; bind to "0.0.0.0" or "::" for that. Whoever sends to the group, and has
    /// joined it, hears itself. Throws `net::error`: `std::errc::invalid_argument` (no group's address), `address_in_use` (joined already). Does not suspend.
    void join(std::string const& group);
    void leave(std::string const& group); ///< `std::errc::address_not_available`: was not joined

    /// Drops what was not received; tasks suspended in a call of this socket, and later calls, get `errc::closed`. Closing twice, or an empty socket, is
    /// fine.
    void close() noexcept;
    endpoint local() const;                 ///< with the port that was chosen; also after `close()`
    std::optional<endpoint> remote() const; ///< the peer, by its address; nothing where there is none

    explicit operator bool() const noexcept { return transport_ != nullptr; }
    datagram_transport& far_side() const;

private:
    std::unique_ptr<datagram_transport> transport_;
    std::unique_ptr<std::byte[]> buffer_; // what `receive` gives copies of
};

/// Asks for a datagram socket at an address; port 0 takes a free one, which `local()` tells. Throws `net::error` (`std::errc::address_in_use`, …) that names the
/// address. "::" takes IPv4 as well, whose senders are "::ffff:192.0.2.7" then. Unix domain sockets carry no datagrams: `address_family_not_supported`.
/// Suspends where a name has to be resolved; cancelled, there is no socket.
///
///     net::datagram_socket server = perform(net::bind_datagram({"0.0.0.0", 53}, {.reuse_port = true}));
struct bind_datagram {
    using result_type = datagram_socket;
    endpoint at;
    datagram_options how;

    explicit bind_datagram(endpoint at_, datagram_options how_ = {}) : at(std::move(at_)), how(std::move(how_)) {}
    bool operator==(bind_datagram const&) const = default;
    friend std::ostream& operator<<(std::ostream&, bind_datagram const&);
};

/// Asks for a datagram socket that sends to, and receives from, one peer only. A name is resolved, once, and the first of its addresses taken to which a way is
/// known; nothing is sent, so nobody need be there. Throws `net::error` that names the peer. Suspends where a name has to be resolved; cancelled, there is no socket.
///
///     net::datagram_socket clock = perform(net::connect_datagram({"time.example", 123}));
///     clock.send(question);
///     std::optional<net::datagram> answer = async::try_timeout(1s, [&] { return clock.receive(); });
struct connect_datagram {
    using result_type = datagram_socket;
    endpoint to;
    datagram_options how;
    std::optional<endpoint> from = {}; ///< the local address; nothing: whichever leads there, and a free port

    explicit connect_datagram(endpoint to_, datagram_options how_ = {}, std::optional<endpoint> from_ = {})
        : to(std::move(to_)), how(std::move(how_)), from(std::move(from_)) {}
    bool operator==(connect_datagram const&) const = default;
    friend std::ostream& operator<<(std::ostream&, connect_datagram const&);
};

/// What `datagram_socket::receive` performs; a handler of it sees (and may answer, drop, fail) every datagram. Unhandled, the
/// socket's own transport answers.
struct receive_datagram {
    using result_type = received_datagram;
    static constexpr bool replayable = false; // the bytes are not in the answer
    datagram_transport* from;
    std::span<std::byte> to;

    friend std::ostream& operator<<(std::ostream&, receive_datagram const&);
    static received_datagram default_answer(receive_datagram const& op) { return op.from->receive(op.to); }
};

/// What `send_to` and `send` perform; see `receive_datagram`.
struct send_datagram {
    using result_type = void;
    datagram_transport* by;
    std::span<std::byte const> bytes;
    endpoint const* to; ///< null: the peer

    friend std::ostream& operator<<(std::ostream&, send_datagram const&);
    static void default_answer(send_datagram const& op) { op.by->send(op.bytes, op.to); }
};

} // namespace effects::net
