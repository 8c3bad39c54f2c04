// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include <effects/net/endpoint.hpp>
#include <effects/net/stream.hpp>

namespace effects::net {

/// Asks for the addresses of a host, in the order in which to try them; never an empty list: a name without an
/// address throws `errc::host_not_found`, which names it. Suspends, unless it is an address already; cancelled, it leaves nothing behind (a look-up that
/// others wait for goes on).
///
///     for (net::endpoint const& at : perform(net::resolve("localhost", 80))) …
struct resolve {
    using result_type = std::vector<endpoint>;
    std::string host;
    std::uint16_t port = 0;

    resolve(std::string host_, std::uint16_t port_) : host(std::move(host_)), port(port_) {}
    bool operator==(resolve const&) const = default;
    friend std::ostream& operator<<(std::ostream&, resolve const&);
};

/// Asks for a connection to a host (a name is resolved, its addresses are tried in order, each with a head start of 250 ms) and port. Throws
/// `net::error` with the last address's failure and every address that was tried. Cancelled, it leaves no connection: one that was made at that moment is closed, which its
/// peer may see.
///
///     net::stream peer = perform(net::connect({"example.com", 80}));
struct connect {
    using result_type = stream;
    endpoint to;

    explicit connect(endpoint to_) : to(std::move(to_)) {}
    bool operator==(connect const&) const = default;
    friend std::ostream& operator<<(std::ostream&, connect const&);
};

/// What `stream::read_some` performs; a handler of it sees (and may answer, shorten, fail) every read. Unhandled, the
/// stream's own transport answers.
struct read {
    using result_type = std::size_t;
    static constexpr bool replayable = false; // the bytes are not in the answer
    transport* from;
    std::span<std::byte> to;

    friend std::ostream& operator<<(std::ostream&, read const&);
    static std::size_t default_answer(read const& op) { return op.from->read_some(op.to); }
};

/// What `stream::write_some` performs; see `read`.
struct write {
    using result_type = std::size_t;
    static constexpr bool replayable = false;
    transport* to;
    std::span<std::byte const> from;

    friend std::ostream& operator<<(std::ostream&, write const&);
    static std::size_t default_answer(write const& op) { return op.to->write_some(op.from); }
};

} // namespace effects::net
