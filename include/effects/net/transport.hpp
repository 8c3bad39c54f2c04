// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <span>

#include <effects/net/endpoint.hpp>

namespace effects::net {

/// The far side of a `stream`, as a world implements it: a socket in `live`, a pair of buffers in `sim`, TLS over
/// another stream. Calls look synchronous: one that cannot go on suspends the task, nobody else. Cancelling a
/// suspended call throws `async::cancelled` out of it and moves no bytes.
class transport {
public:
    virtual ~transport() = default; ///< closes; never suspends

    /// At least one byte, at most `to.size()`; 0 when the peer has ended its side (or `to` is empty). Throws `net::error`.
    virtual std::size_t read_some(std::span<std::byte> to) = 0;
    /// Takes at least one byte of `from` (0 only when it is empty). Throws `net::error`.
    virtual std::size_t write_some(std::span<std::byte const> from) = 0;
    /// Ends our side: the peer reads what is under way, then end of stream. TLS sends its close_notify.
    virtual void shutdown_write() = 0;
    /// Ends both sides at once; a task suspended in a read or a write gets `net::errc::closed`. Twice is fine.
    virtual void close() noexcept = 0;
    /// True when an idle connection must not be used again: bytes or an end of stream are waiting, or it is closed.
    /// Never suspends.
    virtual bool stale() noexcept = 0;

    virtual endpoint local() const = 0;
    virtual endpoint remote() const = 0;
};

} // namespace effects::net
