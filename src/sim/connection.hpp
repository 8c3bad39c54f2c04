// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <effects/async/detail/waiter.hpp>
#include <effects/net/stream.hpp>
#include <effects/sim/link.hpp>
#include <effects/sim/network.hpp>

namespace effects::sim::detail {

// One direction of a connection: bytes in order, each piece with the instant from which on it can be read.
struct pipe {
    struct piece {
        async::time_point arrives;
        std::string bytes;
        std::size_t read = 0;
    };
    std::deque<piece> pieces;
    std::size_t under_way = 0;
    async::time_point last_arrival{};
    bool ended = false; // the writer has ended it, after what is in `pieces`

    // While nothing arrives: what had before.
    bool blocked = false;
    std::size_t arrived = 0;
    bool end_arrived = false;
    bool reset_arrived = false;
    // From when on nothing of what was sent is acknowledged.
    async::time_point stalled_since = async::never;

    async::detail::waiter_list readers;
    async::detail::waiter_list writers;

    void wake_all() noexcept {
        readers.wake_all();
        writers.wake_all();
    }
    bool readable(async::time_point now) const noexcept {
        return !pieces.empty() && (blocked ? arrived > 0 : pieces.front().arrives <= now);
    }
    bool at_end(async::time_point now) const noexcept {
        return ended && pieces.empty() && (blocked ? end_arrived : last_arrival <= now);
    }
};

struct connection : std::enable_shared_from_this<connection> {
    // One of its ends, 0: the client's, 1: the server's.
    struct end {
        net::endpoint at;
        std::vector<std::string> names =
            {}; // by which partitions and links know its host, the one that it is best known by last
        std::shared_ptr<life> host = nullptr; // of named hosts
        bool closed = false;
        bool gone = false;      // its system knows of no such connection any more: it answers by a reset
        bool timed_out = false; // nothing of what it sent was acknowledged
        async::time_point reset_at = async::never; // when it hears that the other end has gone
    };

    connection() = default;
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection();

    network* net = nullptr;                      // null before it is open, and once the world is gone
    std::list<connection*>::iterator place = {}; // in its network's list
    bool loopback = false;
    bool mapped = false; // the server's end sees IPv4 addresses as an IPv6 socket does
    bool failed = false; // by `reset_connections`: both sides know
    end ends[2];
    pipe to[2]; // what the client, the server reads

    // The address of a side, as another one, or itself, sees it.
    net::endpoint seen(int side, int by) const;

    // Why the calls of that side fail, if they do.
    void check(int side, char const* doing);
    // When what a write, a read of that side waits for may change without anybody waking it.
    async::time_point next_failure(int side) const;
    async::time_point next_change(int side) const;
    bool learned_reset(int side) const;
    bool said_goodbye(int side) const noexcept { return ends[side].closed && !ends[side].gone; }

    void send(int from, std::span<std::byte const> bytes);
    void shut_down(int side);
    void close(int side) noexcept;
    void send_reset(int to, async::time_point sent); // by the other side's system
    void vanish(int side);
    // After partitions and hosts have changed.
    void update();

    void wake_all() noexcept {
        to[0].wake_all();
        to[1].wake_all();
    }

private:
    void put(pipe& out, int from, std::size_t size);
    void stall(pipe& out, int from);
    async::time_point gives_up(int side) const;
};

// The stream of one end.
std::unique_ptr<net::transport> end_of(std::shared_ptr<connection> c, int side);

} // namespace effects::sim::detail
