// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <effects/net/stream.hpp>

#include "turns.hpp"

namespace effects::test_support {

/// Answers reads from a list of chunks, one a read, then end of stream; keeps what is written.
class scripted final : public net::transport {
public:
    struct log {
        std::string written;
        std::vector<std::size_t> read_sizes; // asked for
        int closes = 0;
        bool ended = false;
    };

    explicit scripted(std::vector<std::string> chunks, std::shared_ptr<log> keep = std::make_shared<log>());

    std::size_t read_some(std::span<std::byte> to) override;
    std::size_t write_some(std::span<std::byte const> from) override;
    void shutdown_write() override { log_->ended = true; }
    void close() noexcept override { ++log_->closes; }
    bool stale() noexcept override { return log_->closes != 0; }
    net::endpoint local() const override { return {"10.0.0.1", 1}; }
    net::endpoint remote() const override { return {"10.0.0.2", 2}; }

    std::size_t write_step = std::numeric_limits<std::size_t>::max();
    /// Called before each read with how many there were.
    std::function<void(std::size_t)> before_read = {};

private:
    std::deque<std::string> chunks_;
    std::shared_ptr<log> log_;
};

/// One direction of a `duplex`.
struct pipe {
    std::string bytes = {};
    std::size_t passed = 0;                                     // bytes that were written in all
    std::size_t capacity = 256 * 1024;                          // a write waits while it is full
    std::size_t step = std::numeric_limits<std::size_t>::max(); // bytes of one read or write at most
    bool ended = false;                                         // the writer has shut down or closed
    bool broken = false;                                        // the reader has closed
    std::function<char(std::size_t at, char)> damage = {};      // what becomes of a byte on the way
    std::function<void()> before_write = {};                    // may throw
};

/// Two connected streams in memory, for the tasks of a `turns`.
struct duplex {
    explicit duplex(turns& scheduler);
    net::stream client;
    net::stream server;
    std::shared_ptr<pipe> to_server;
    std::shared_ptr<pipe> to_client;
};

} // namespace effects::test_support
