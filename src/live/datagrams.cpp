// SPDX-License-Identifier: BSL-1.0
#include "datagrams.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "name_cache.hpp"
#include "reactor.hpp"
#include "socket_calls.hpp"

namespace effects::live::detail {
namespace {

// In an IPv6 socket's way of writing an IPv4 address (RFC 4291, section 2.5.5.2).
address as_ipv6(address const& v4) noexcept {
    sockaddr_in from{};
    std::memcpy(&from, &v4.storage, sizeof from);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = from.sin_port;
    to.sin6_addr.s6_addr[10] = to.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(&to.sin6_addr.s6_addr[12], &from.sin_addr, sizeof from.sin_addr);
    address out;
    std::memcpy(&out.storage, &to, sizeof to);
    out.size = sizeof to;
    return out;
}

bool same(address const& a, address const& b) noexcept {
    return a.size == b.size && std::memcmp(&a.storage, &b.storage, a.size) == 0;
}

int index_of(std::string const& interface) {
    if (interface.empty()) return 0;
    unsigned const index = ::if_nametoindex(interface.c_str());
    if (index != 0) return static_cast<int>(index);
    net::error e = system_error(errno);
    e.add_context("looking for the network interface " + interface);
    throw e;
}

class socket final : public net::datagram_transport {
public:
    socket(event_loop& loop, int fd, int family, bool connected, int interface)
        : loop_(&loop), fd_(loop.io(), fd), family_(family), interface_(interface), local_(local_address(fd).text()) {
        if (!connected) return;
        address peer;
        if (::getpeername(fd, peer.get(), &peer.size) != 0) throw system_error(errno);
        remote_ = peer.text();
    }

    void send(std::span<std::byte const> bytes, net::endpoint const* to) override {
        enter(*loop_, sends_in_a_row_);
        check_open();
        auto const doing = [&] {
            return "sending " + std::to_string(bytes.size()) + " bytes to " + (to ? *to : *remote_).text();
        };
        std::optional<address> at;
        if (to) at = with_context(doing, [&] { return find(*to); });
        for (;;) {
            check_open();
            ssize_t const size = at ? ::sendto(fd_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL, at->get(), at->size)
                                    : ::send(fd_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size >= 0) {
                ++sends_in_a_row_;
                return;
            }
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) fail(errno, doing());
            sends_in_a_row_ = 0;
            fd_.wait(direction::write, "net::send_datagram");
        }
    }

    net::received_datagram receive(std::span<std::byte> to) override {
        enter(*loop_, receives_in_a_row_);
        if (fd_.anyone_waits(direction::read))
            throw std::logic_error("two tasks receive from one datagram socket at once");
        for (;;) {
            check_open();
            address from;
            ssize_t const size = ::recvfrom(fd_.fd(), to.data(), to.size(), MSG_TRUNC, from.get(), &from.size);
            if (size >= 0) {
                ++receives_in_a_row_;
                auto const whole = static_cast<std::size_t>(size);
                remember(from);
                // What a stranger sent between the bind and the connect.
                if (remote_ && known_as_ != *remote_) continue;
                return {std::min(whole, to.size()), known_as_, whole > to.size()};
            }
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                fail(errno, remote_ ? "receiving from " + remote_->text() : "receiving at " + local_.text());
            receives_in_a_row_ = 0;
            fd_.wait(direction::read, "net::receive_datagram");
        }
    }

    void join(std::string const& group) override { change_membership(group, true); }
    void leave(std::string const& group) override { change_membership(group, false); }
    void close() noexcept override { fd_.close(); }
    net::endpoint local() const override { return local_; }
    std::optional<net::endpoint> remote() const override { return remote_; }

private:
    void check_open() const {
        if (fd_.fd() < 0) throw closed_here("the datagram socket");
    }

    [[noreturn]] static void fail(int number, std::string const& doing) {
        net::error e = system_error(number);
        e.add_context(doing);
        throw e;
    }

    address find(net::endpoint const& to) {
        if (!to.host.empty() && to == known_as_) return known_; // an answer mostly
        auto const all = loop_->names().find(to);
        auto found = std::find_if(all.begin(), all.end(), [&](address const& a) { return a.family() == family_; });
        address out;
        if (found != all.end())
            out = *found;
        else if (found = std::find_if(all.begin(), all.end(), [](address const& a) { return a.family() == AF_INET; });
                 family_ == AF_INET6 && found != all.end())
            out = as_ipv6(*found);
        else
            throw system_error(EAFNOSUPPORT);
        if (out.text() == to) { // a name may get another address
            known_ = out;
            known_as_ = to;
        }
        return out;
    }

    void remember(address const& from) {
        if (same(from, known_)) return;
        known_as_ = from.text();
        known_ = from;
    }

    void change_membership(std::string const& group, bool in) {
        check_open();
        with_context([&] { return (in ? "joining the group " : "leaving the group ") + group; },
                     [&] {
                         address_search numeric({group, 0}, AI_NUMERICHOST);
                         numeric.run();
                         address const at = numeric.result().front();
                         if (at.family() != family_) throw system_error(EAFNOSUPPORT);
                         family_ == AF_INET ? change_membership_v4(at, in) : change_membership_v6(at, in);
                     });
    }
    void change_membership_v4(address const& group, bool in) const {
        sockaddr_in at{};
        std::memcpy(&at, &group.storage, sizeof at);
        ip_mreqn const request{at.sin_addr, {}, interface_};
        int const option = in ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
        if (::setsockopt(fd_.fd(), IPPROTO_IP, option, &request, sizeof request) != 0) throw system_error(errno);
    }
    void change_membership_v6(address const& group, bool in) const {
        sockaddr_in6 at{};
        std::memcpy(&at, &group.storage, sizeof at);
        ipv6_mreq const request{at.sin6_addr, interface_ != 0 ? static_cast<unsigned>(interface_) : at.sin6_scope_id};
        int const option = in ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
        if (::setsockopt(fd_.fd(), IPPROTO_IPV6, option, &request, sizeof request) != 0) throw system_error(errno);
    }

    event_loop* loop_;
    descriptor fd_;
    int family_;
    int interface_;
    net::endpoint local_;
    std::optional<net::endpoint> remote_;
    address known_; // whom we heard of last, in both ways of writing it
    net::endpoint known_as_;
    unsigned receives_in_a_row_ = 0;
    unsigned sends_in_a_row_ = 0;
};

// Newer than the C library's headers.
#if !defined(IPV6_MULTICAST_ALL)
constexpr int IPV6_MULTICAST_ALL = 29;
#endif

void set_options(int fd, int family, net::datagram_options const& how, int interface) {
    if (how.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (how.broadcast) set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (how.receive_buffer != 0)
        set_option(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(std::min<std::size_t>(how.receive_buffer, INT_MAX)));
    int const hops = static_cast<int>(std::min(how.multicast_hops, 255u));
    // Only the groups that this socket joins, whatever others on the machine have joined (ip(7)).
    if (family == AF_INET) {
        set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
        if (hops != 1) set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, hops);
        ip_mreqn const out{{}, {}, interface};
        if (interface != 0 && ::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out) != 0)
            throw system_error(errno);
    } else {
        int const off = 0;
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off); // Linux 4.20
        if (hops != 1) set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops);
        if (interface != 0) set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, interface);
    }
}

int open_socket(int family) {
    if (family != AF_INET && family != AF_INET6) throw system_error(EAFNOSUPPORT);
    return ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

net::datagram_socket open(event_loop& loop, address const* local, address const* peer,
                          net::datagram_options const& how) {
    int const family = (local ? local : peer)->family();
    owned_fd fd(open_socket(family));
    int const interface = index_of(how.multicast_interface);
    set_options(fd.get(), family, how, interface);
    if (local && ::bind(fd.get(), local->get(), local->size) != 0) throw system_error(errno);
    if (peer && ::connect(fd.get(), peer->get(), peer->size) != 0) throw system_error(errno);
    return net::datagram_socket(std::make_unique<socket>(loop, fd.release(), family, peer != nullptr, interface));
}

// What is made of the first that it can be made of.
template <class F>
net::datagram_socket first_of(std::vector<address> const& all, F make) {
    std::optional<net::error> first;
    for (address const& a : all) {
        try {
            return make(a);
        } catch (net::error const& e) {
            if (!first) first = e;
        }
    }
    throw *first;
}

} // namespace

net::datagram_socket bind_at(event_loop& loop, std::vector<address> const& addresses,
                             net::datagram_options const& how) {
    unsigned in_a_row = 0;
    enter(loop, in_a_row);
    return first_of(addresses, [&](address const& a) { return open(loop, &a, nullptr, how); });
}

net::datagram_socket connect_from(event_loop& loop, std::vector<address> const& from, std::vector<address> const& to,
                                  net::datagram_options const& how) {
    unsigned in_a_row = 0;
    enter(loop, in_a_row);
    return first_of(to, [&](address const& peer) {
        if (from.empty()) return open(loop, nullptr, &peer, how);
        auto const local =
            std::find_if(from.begin(), from.end(), [&](address const& a) { return a.family() == peer.family(); });
        if (local == from.end()) throw system_error(EAFNOSUPPORT);
        return open(loop, &*local, &peer, how);
    });
}

} // namespace effects::live::detail
