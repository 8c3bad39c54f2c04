// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <effects/net/error.hpp>
#include <effects/net/transport.hpp>

namespace effects::net {

/// An open connection, in both directions: what `perform(net::connect(…))` and `listener::accept` give.
///
///     net::stream peer = perform(net::connect({"example.com", 7}));
///     peer.write("hello\n");
///     std::string line = peer.read_until("\n", 4096);
///
/// Moves, does not copy; the destructor closes. One task may read while another writes. Every call that cannot go
/// on suspends its task only; every failure throws `net::error`. A call on an empty stream (default-constructed,
/// moved from, released) throws `std::logic_error`.
class stream {
public:
    stream() = default;
    explicit stream(std::unique_ptr<transport> far_side) noexcept : transport_(std::move(far_side)) {}

    /// At least one byte; 0 at the peer's end of stream (or when `to` is empty). Gives what was read ahead first (by `read_until`, or
    /// before another call was cancelled), else performs `net::read`. Cancelled, it has taken nothing.
    std::size_t read_some(std::span<std::byte> to);
    /// Performs `net::write`: takes at least one byte (0 only when `from` is empty). Cancelled, it has sent nothing.
    std::size_t write_some(std::span<std::byte const> from);

    /// Exactly `to.size()` bytes; a stream that ends before throws `errc::end_of_stream`. After that, or another error, and when cancelled, nothing is lost:
    /// what was read is what the next read gives.
    void read_exactly(std::span<std::byte> to);
    /// Everything up to and including the next `delimiter`; what came behind it is kept for the reads that follow.
    ///
    ///     std::string line = peer.read_until("\r\n", 8192);   // "HELO example.com\r\n"
    ///
    /// Throws `std::errc::message_size` when the first `limit` bytes do not hold a whole delimiter,
    /// `errc::end_of_stream` when the stream ends before it. After either, and when cancelled, nothing is lost: what
    /// was read is what the next read gives. An empty delimiter is a `std::invalid_argument`.
    std::string read_until(std::string_view delimiter, std::size_t limit);
    /// Everything up to the peer's end of stream; more than `limit` bytes throws `std::errc::message_size`. After
    /// that, and when cancelled, what was read is what the next read gives.
    std::string read_all(std::size_t limit = 64 << 20);
    /// All of it. When it throws or is cancelled, an unknown part has been sent.
    void write(std::span<std::byte const> from);
    void write(std::string_view text);

    /// Ends our side: the peer reads what is under way, then end of stream. Reading goes on. Does not suspend.
    void shutdown_write();
    /// Ends both sides at once; a task suspended in a read or a write of this stream gets `errc::closed`. Drops what
    /// was read ahead. Closing twice, or an empty stream, is fine.
    void close() noexcept;
    /// True when an idle connection must not be used again: the transport says so, or bytes that nobody asked for
    /// were read ahead. True for an empty stream.
    bool stale() noexcept;
    endpoint local() const;  ///< also after `close()`, as `remote()`
    endpoint remote() const; ///< the peer's address

    explicit operator bool() const noexcept { return transport_ != nullptr; }
    /// The far side; it knows nothing of the bytes that were read ahead.
    transport& far_side() const;
    /// Takes the far side out, to wrap it. Bytes that were read ahead go with it: they are what its reads give first.
    std::unique_ptr<transport> release();

private:
    std::size_t fill(std::size_t at_most);
    std::size_t ahead() const noexcept { return ahead_.size() > taken_ ? ahead_.size() - taken_ : 0; }
    std::string take(std::size_t count);
    void put_back(std::span<std::byte const> bytes);

    std::unique_ptr<transport> transport_;
    std::vector<char> ahead_; // read, but not asked for yet: from taken_ on
    std::size_t taken_ = 0;
};

} // namespace effects::net
