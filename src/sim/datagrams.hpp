// SPDX-License-Identifier: BSL-1.0
// The datagrams of a simulated network: those under way, and the sockets that wait for them. What arrives is looked at when somebody next asks: nothing
// that it depends on has changed since, as every change asks first.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <effects/async/detail/waiter.hpp>
#include <effects/async/time.hpp>
#include <effects/net/datagram.hpp>
#include <effects/sim/network.hpp>

namespace effects::sim::detail {

struct life;
struct machine;

// A port of a machine, or of the world where that has no name.
struct place {
    std::string machine;
    std::uint16_t port = 0;
    auto operator<=>(place const&) const = default;
};

// Where a datagram goes.
struct destination {
    place at;
    std::string host; // what a socket there must be bound to, if not to any address
    net::endpoint shown;
    std::vector<std::string> names; // by which partitions and links know it
    bool loopback = false;
};

// A datagram socket.
struct mailbox {
    mailbox() = default;
    mailbox(mailbox const&) = delete;
    mailbox& operator=(mailbox const&) = delete;
    ~mailbox() { close(); }

    datagrams* net = nullptr; // null once the world is gone
    place at;
    std::string host; // canonical, that it is bound to
    net::endpoint local;
    std::shared_ptr<life> on = nullptr; // of a named host
    std::vector<std::string> names = {};
    net::datagram_options how = {};
    std::optional<destination> peer = {};
    std::set<std::string> groups = {};
    std::deque<net::datagram> waiting = {};
    std::size_t kept = 0;                        // bytes in there
    async::time_point refused_at = async::never; // when it hears that nobody is at its peer's port
    bool closed = false;
    async::detail::waiter_list readers = {};

    static constexpr std::size_t overhead = 256; // of each that waits

    void close() noexcept;
};

std::unique_ptr<net::datagram_transport> behind(std::shared_ptr<mailbox> m);

class datagrams {
public:
    datagrams(network& net, std::uint64_t seed) noexcept : net_(net), seed_(seed) {}
    datagrams(datagrams const&) = delete;
    datagrams& operator=(datagrams const&) = delete;
    ~datagrams();

    net::datagram_socket bind(net::bind_datagram const& op);
    net::datagram_socket connect(net::connect_datagram const& op);
    bool anyone_is(std::string const& host) const; // without being a named host

    void send(std::shared_ptr<mailbox> const& from, std::span<std::byte const> bytes, net::endpoint const* to);
    // Puts what has arrived where it belongs, as far as the socket may see it.
    void settle(mailbox const& of);
    // When that may have to be done again, if nobody sends meanwhile.
    async::time_point next_change(mailbox const& of) const;
    void closed(mailbox& m) noexcept;

    void settle_all();
    void drop_cut_off(); // what is under way where nothing passes any more
    void close_all_of(life const& host);

private:
    struct flight {
        std::string bytes;
        net::endpoint from; // as the receiver sees it
        place sent_at;
        std::string sender_host;        // that it is bound to
        std::vector<std::string> names; // the sender's
        std::weak_ptr<mailbox> sender;  // that has a peer
        destination to;
        bool to_all = false; // of a group, or there are
    };

    void settle(place const& at);
    void deliver(async::time_point when, flight&& f);
    void put(mailbox& into, net::datagram what);
    void refuse(async::time_point when, flight const& f);
    bool answers(place const& at, std::string const& bound, std::string const& host) const;
    bool takes(mailbox const& m, flight const& f) const;

    std::vector<std::string> names_of(place const& at, std::string const& host) const;
    std::shared_ptr<mailbox> make(net::endpoint const& at, net::datagram_options const& how);
    destination find(net::endpoint const& to, mailbox const& from) const;
    net::endpoint source(mailbox const& from, destination const& to) const;
    void launch(std::shared_ptr<mailbox> const& from, std::string bytes, destination to, bool to_all);
    void launch_to_all(std::shared_ptr<mailbox> const& from, std::string const& bytes, net::endpoint const& to);
    std::uint16_t free_port(std::string const& machine);
    void wake(place const& at) noexcept;

    network& net_;
    std::uint64_t seed_;
    std::uint16_t next_port_ = 49152;
    std::map<place, std::vector<mailbox*>> open_; // in the order in which they were bound
    std::map<place, std::multimap<async::time_point, flight>> under_way_;
};

} // namespace effects::sim::detail
