// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <memory>

#include <effects/net/endpoint.hpp>
#include <effects/net/stream.hpp>

namespace effects::net {

/// The far side of a `listener`, as a world implements it.
class acceptor {
public:
    virtual ~acceptor() = default; ///< closes
    /// The next connection; suspends until there is one. Throws `net::error`; `errc::closed` after `close()`.
    virtual stream accept() = 0;
    /// Refuses further connections and ends a suspended `accept`. Twice is fine.
    virtual void close() noexcept = 0;
    /// Where it listens, with the port that was chosen.
    virtual endpoint local() const = 0;
};

/// A listening socket: what `perform(net::listen(…))` gives. Moves, does not copy; the destructor closes.
class listener {
public:
    listener() = default;
    explicit listener(std::unique_ptr<acceptor> far_side) noexcept : acceptor_(std::move(far_side)) {}

    /// The next connection, in the order in which they came; suspends until there is one. Cancelled, it has taken none: the next call gets the one that comes
    /// meanwhile. Throws `net::error`; `errc::closed` after `close()`. On an empty listener, `std::logic_error`.
    stream accept();
    /// Refuses further connections, resets those that nobody accepted, and ends a suspended `accept` with `errc::closed`. Twice, or an empty one, is fine.
    void close() noexcept;
    endpoint local() const; ///< with the port that was chosen; also after `close()`
    explicit operator bool() const noexcept { return acceptor_ != nullptr; }

private:
    std::unique_ptr<acceptor> acceptor_;
};

/// Asks to listen at an address; port 0 takes a free one, which `listener::local()` tells. Throws `net::error`
/// (`std::errc::address_in_use`, …) that names the address. Suspends where a name has to be resolved; cancelled, nobody listens.
///
///     net::listener door = perform(net::listen({"127.0.0.1", 0}));
///     for (;;) serve(door.accept());
struct listen {
    using result_type = listener;
    endpoint at;
    int backlog = 1024; ///< connections that the system keeps waiting; what becomes of more is its own affair
    /// Several listeners at one address, if all say so, share the connections that come (SO_REUSEPORT): one for each thread, or process. In
    /// `sim` the seed decides which of them gets the next one.
    bool reuse_port = false;

    explicit listen(endpoint at_, int backlog_ = 1024, bool reuse_port_ = false)
        : at(std::move(at_)), backlog(backlog_), reuse_port(reuse_port_) {}
    bool operator==(listen const&) const = default;
    friend std::ostream& operator<<(std::ostream&, listen const&);
};

} // namespace effects::net
