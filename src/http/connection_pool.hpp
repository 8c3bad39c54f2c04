// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <effects/async/event.hpp>
#include <effects/async/time.hpp>
#include <effects/net/stream.hpp>

#include "message_parser.hpp"
#include "url_parts.hpp"

namespace effects::http {

/// An open connection and the bytes that came over it and are not used yet.
struct connection {
    connection(net::stream open, std::size_t input_limit) : stream(std::move(open)), input(input_limit) {
        input.widen(); // a client has few connections, and responses are large
    }

    net::stream stream;
    input_buffer input;
    bool reused = false; ///< an exchange went over it before
    async::time_point idle_since = {};
};

/// The kept connections of a client, and the count of those in use, by thread and origin: a connection lives on the event
/// loop that opened it. The mutex guards the map; it is never held while a task waits.
class connection_pool {
public:
    struct limits {
        std::size_t per_host;          ///< 0: none
        std::chrono::nanoseconds idle; ///< how long a connection is kept
    };

    explicit connection_pool(limits l) : limits_(l) {}

    class lease;
    /// A kept connection that looks alive, else none and the right to open one; waits in order while the host has as many as
    /// it may. `fresh`: one of the kept ones turned out dead, so the others are closed unused.
    lease acquire(origin const& to, bool fresh);

    /// Closes what has been kept too long on this thread, until it is cancelled: for a task beside those that ask for connections.
    /// Else that happens when the next one is asked for, and servers' ends that have closed wait until then.
    void sweep();
    /// Closes the kept connections of this thread: those of others belong to their loops.
    void clear() noexcept;
    std::size_t idle() const; ///< of all threads

private:
    struct waiter;
    struct host {
        std::vector<std::unique_ptr<connection>> kept; // the last one is the warmest
        std::size_t in_use = 0;
        std::deque<waiter*> waiting;
    };
    using key = std::pair<std::thread::id, origin>;

    void drop_expired(std::thread::id thread, async::time_point now, std::vector<std::unique_ptr<connection>>& dropped);
    async::time_point first_to_expire() const; // of this thread's; never, where none is kept
    void give_back(key const& k, std::unique_ptr<connection> kept) noexcept;

    limits limits_;
    mutable std::mutex mutex_;
    std::map<key, host> hosts_;
    std::map<std::thread::id, async::time_point> swept_;
    std::map<std::thread::id, async::event*> sweepers_; // who wait for something to be kept
};

/// The right to use one connection to a host. Gives the right back when it goes, by return or by unwinding; the connection is
/// closed unless `keep` said that it is between two exchanges.
class connection_pool::lease {
public:
    lease(connection_pool& pool, key k, std::unique_ptr<connection> kept) noexcept
        : pool_(&pool), key_(std::move(k)), connection_(std::move(kept)) {}
    lease(lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), key_(std::move(other.key_)),
          connection_(std::move(other.connection_)), keep_(other.keep_) {}
    lease& operator=(lease&&) = delete;
    ~lease();

    explicit operator bool() const noexcept { return connection_ != nullptr; }
    connection& operator*() const noexcept { return *connection_; }
    connection* operator->() const noexcept { return connection_.get(); }

    void open(std::unique_ptr<connection> opened) noexcept { connection_ = std::move(opened); }
    void keep(async::time_point now) noexcept;

private:
    connection_pool* pool_;
    key key_;
    std::unique_ptr<connection> connection_;
    bool keep_ = false;
};

} // namespace effects::http
