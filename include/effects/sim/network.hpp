// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <effects/async/time.hpp>
#include <effects/net/connect.hpp>
#include <effects/net/datagram.hpp>
#include <effects/net/listen.hpp>
#include <effects/sim/link.hpp>

namespace effects::sim {

/// How the simulated network behaves. The defaults are those of a good network: no delay, nothing lost.
///
/// `sim::run` and `network::configure` throw `std::invalid_argument`, which names the option and its value: of a negative time, a `latency_min` above `latency_max`, a `window`
/// of 0, a link that `sim::link` does not allow.
struct network_options {
    async::duration latency_min{0}; ///< each piece of data, and each half of a connect, takes at least this long
    async::duration latency_max{
        0}; ///< and at most this (uniformly, by the world's seed); of streams, never out of order
    std::size_t window = 256 * 1024; ///< bytes under way in one direction, after which a writer waits
    std::size_t max_read = 0;  ///< a read gives at most so many bytes, at random at least one; 0: as many as there are
    std::size_t max_write = 0; ///< a write takes at most so many
    /// Bytes that wait at a datagram socket whose options don't say, each datagram with 256 more; what comes when they are used up is dropped.
    std::size_t datagram_buffer = 208 * 1024;
    async::duration connect_timeout = std::chrono::seconds(127); ///< until a connect to an unreachable host gives up
    std::map<std::string, std::string> hosts =
        {};              ///< names and their addresses, beside localhost, named hosts and what is listened on
    sim::link link = {}; ///< between any two hosts; its latency comes on top of `latency_min` to `latency_max`
};

namespace detail {
class machines;
struct machine;
struct life;
struct connection;
struct door;
class datagrams;
} // namespace detail

/// The network of a simulated world: what `net::resolve`, `net::connect`, `net::listen`, `net::bind_datagram` and `net::connect_datagram` reach there. A body under test may break it:
///
///     sim::network::current().partition("pay.example");     // bytes no longer arrive, either way; connects hang
///     sim::network::current().heal("pay.example");
///     sim::network::current().reset_connections("pay.example");
///
/// A host is one of `sim::hosts`, of `network_options::hosts`, or what was listened on; or any address. Other names are a `std::invalid_argument` that lists those there are: where a
/// host is to be cut off before it is there, `network_options::hosts` declares it. A partition of an address is one of all names that resolve to it. Whoever is cut off learns nothing of what the other side does, neither its end nor its reset, until it is healed; what is written meanwhile breaks the
/// connection (`std::errc::timed_out`) after the time that the link says. Datagrams to and from who is cut off are lost, those under way too, and nobody is told.
class network {
public:
    network(network_options how, std::uint64_t seed, detail::machines* named = nullptr);
    ~network();
    network(network const&) = delete;
    network& operator=(network const&) = delete;

    /// That of the world that runs the calling task.
    static network& current();

    /// Cuts the host off from all others.
    void partition(std::string const& host);
    /// Cuts two hosts off from each other.
    void partition(std::string const& one, std::string const& other);
    /// What `from` sends no longer arrives at `to`; the other way it does. Neither can connect to the other.
    void partition_one_way(std::string const& from, std::string const& to);
    /// Ends all partitions that the host has a part in.
    void heal(std::string const& host);
    /// Ends those between the two.
    void heal(std::string const& one, std::string const& other);

    /// What lies between two hosts, from the next byte on, instead of `network_options::link`.
    void set_link(std::string const& one, std::string const& other, sim::link how);

    /// Every open connection to it ends as if its machine had failed: both sides get `connection_reset`.
    void reset_connections(std::string const& host);
    /// Every open connection of the host is half-open from now on: the host's side is reset; the peers hear nothing, until they write something, which is then answered by a
    /// reset. So it is after a crash that nobody noticed, or behind a firewall that dropped its state.
    void forget_connections(std::string const& host);

    /// From the next byte on.
    void configure(network_options how);
    network_options const& settings() const noexcept { return how_; }

    std::vector<net::endpoint> resolve(net::resolve const& op) const;
    net::stream connect(net::connect const& op);
    net::listener listen(net::listen const& op);
    net::datagram_socket bind(net::bind_datagram const& op);
    net::datagram_socket connect(net::connect_datagram const& op);

    // ---- for transports ----
    sim::link const& link_of(detail::connection const& c) const;
    bool arrives(detail::connection const& c, int from) const; // what that side sends
    async::time_point arrival(detail::connection const& c, int from, std::size_t size, async::time_point sent);
    bool lost(sim::link const& l) noexcept; // one segment, or datagram
    std::size_t cut(std::size_t size, std::size_t limit) noexcept;
    void opened(detail::connection& c);
    void closed(detail::connection& c) noexcept;
    void closed(detail::door& d) noexcept;

    // ---- for hosts ----
    void know(std::string const& host) { known_.insert(host); }
    detail::machines& machines() noexcept { return *machines_; }
    void catch_up();     // before one that was down is up, or the other way round
    void host_is_back(); // one that connections had been open to, may be
    void vanish(detail::life const& host);
    void hang_up(detail::life const& host);

private:
    using two_hosts = std::pair<std::string, std::string>;
    struct address { // of a door: a machine's, or the world's where that is empty
        std::string host;
        net::endpoint at;
        auto operator<=>(address const&) const = default;
    };
    struct target {
        std::string name; // canonical
        net::endpoint at;
        detail::machine* host;
        bool loopback; // of a named host: nothing lies between
    };

    using names = std::vector<std::string>; // by which a host is known, the one that it is best known by last
    friend class detail::datagrams;

    sim::link const& link_between(names const& one, names const& other) const;
    bool passes(names const& from, names const& to) const;
    async::time_point arrival(sim::link const& l, names const& from, names const& to, std::size_t size,
                              async::time_point sent);
    bool happens(double probability) noexcept;
    std::uint64_t draw() noexcept;
    detail::machine* machine_at(std::string const& name) const;
    std::string host_called(std::string const& name, char const* call) const; // canonical
    bool taken(address const& at, bool share) const;
    target find_target(net::endpoint const& to, detail::life const* from) const;
    std::shared_ptr<detail::door> find(target const& to) const;
    std::vector<std::shared_ptr<detail::connection>> all_connections() const;
    std::vector<std::shared_ptr<detail::connection>> connections_of(std::string const& host) const;
    std::vector<std::shared_ptr<detail::door>> doors_of(detail::life const& host) const;
    void update();

    network_options how_;
    std::uint64_t random_;
    detail::machines* machines_;
    std::uint16_t next_port_ = 49152;
    std::set<std::string> known_;       // hosts that there are, or were; without those of the options
    std::set<std::string> partitioned_; // canonical
    std::set<two_hosts> one_way_;       // from, to
    std::map<two_hosts, sim::link> links_;
    std::map<two_hosts, async::time_point> busy_until_; // from, to: where there is a bandwidth
    std::map<address, std::weak_ptr<detail::door>> doors_;
    std::list<detail::connection*> connections_; // open ones, in the order in which they were made
    std::unique_ptr<detail::datagrams> datagrams_;
};

/// Asks for the simulated network (see `network::current`); only a simulated world answers.
struct reach_network {
    using result_type = network&;
};

} // namespace effects::sim
