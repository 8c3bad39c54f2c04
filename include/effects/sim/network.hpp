// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <effects/async/detail/waiter.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/listen.hpp>

namespace effects::sim {

/// How the simulated network behaves. The defaults are those of a good network: no delay, nothing lost.
struct network_options {
    async::duration latency_min{0};  ///< each piece of data, and each half of a connect, takes at least this long
    async::duration latency_max{0};  ///< and at most this (uniformly, by the world's seed); never out of order
    std::size_t window = 256 * 1024; ///< bytes under way in one direction, after which a writer waits
    std::size_t max_read = 0;  ///< a read gives at most so many bytes, at random at least one; 0: as many as there are
    std::size_t max_write = 0; ///< a write takes at most so many
    async::duration connect_timeout = std::chrono::seconds(127); ///< until a connect to an unreachable host gives up
    std::map<std::string, std::string> hosts =
        {}; ///< names and their addresses, beside localhost and what is listened on
};

namespace detail {
struct connection;
struct door;
} // namespace detail

/// The network of a simulated world: what `net::resolve`, `net::connect` and `net::listen` reach there. A body under test may break it:
///
///     sim::network::current().partition("pay.example");     // bytes no longer arrive, either way; connects hang
///     sim::network::current().heal("pay.example");
///     sim::network::current().reset_connections("pay.example");
///
/// A host is what was listened on or connected to, name or address; a partition of an address is one of all names that resolve to it. Whoever
/// is cut off learns nothing of what the other side does, neither its end nor its reset, until it is healed.
class network {
public:
    network(network_options how, std::uint64_t seed);
    ~network();
    network(network const&) = delete;
    network& operator=(network const&) = delete;

    /// That of the world that runs the calling task.
    static network& current();

    void partition(std::string const& host);
    void heal(std::string const& host);
    /// Every open connection to it ends as if its machine had failed: both sides get `connection_reset`.
    void reset_connections(std::string const& host);
    /// From the next byte on.
    void configure(network_options how) { how_ = std::move(how); }
    network_options const& settings() const noexcept { return how_; }

    std::vector<net::endpoint> resolve(net::resolve const& op) const;
    net::stream connect(net::connect const& op);
    net::listener listen(net::listen const& op);

    // For the transports.
    bool partitioned(std::string const& host) const;
    async::time_point arrival();
    std::size_t cut(std::size_t size, std::size_t limit) noexcept;
    void closed(detail::door& d) noexcept;

private:
    std::uint64_t draw() noexcept;
    std::shared_ptr<detail::door> find(net::endpoint const& at) const;
    std::vector<std::shared_ptr<detail::connection>> connections_to(std::string const& host);

    network_options how_;
    std::uint64_t random_;
    std::uint16_t next_port_ = 49152;
    std::set<std::string> partitioned_; // canonical
    std::map<net::endpoint, std::weak_ptr<detail::door>> doors_;
    std::vector<std::weak_ptr<detail::connection>> connections_;
};

/// Asks for the simulated network (see `network::current`); only a simulated world answers.
struct reach_network {
    using result_type = network&;
};

} // namespace effects::sim
