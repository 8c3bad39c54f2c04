// SPDX-License-Identifier: BSL-1.0
#include "datagrams.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <effects/perform.hpp>
#include <effects/sim/detail/machines.hpp>
#include <effects/sim/detail/random.hpp>

#include "failure.hpp"
#include "names.hpp"
#include "suspension.hpp"

namespace effects::sim::detail {

using async::time_point;

namespace {

// What named hosts see of the test's body, which has no name: an address for benchmarks (RFC 2544).
constexpr char const* outside = "198.18.0.1";

net::endpoint unmapped(net::endpoint const& to) {
    std::size_t const prefix = std::strlen(mapped_prefix);
    bool const is = to.host.starts_with(mapped_prefix) && is_ipv4(to.host.substr(prefix));
    return {is ? to.host.substr(prefix) : to.host, to.port};
}

std::size_t longest_over(std::string const& host) { return is_ipv6(host) ? 65'527 : 65'507; }

} // namespace

datagrams::~datagrams() {
    for (auto& [at, all] : open_)
        for (mailbox* m : all) {
            m->net = nullptr;
            m->closed = true;
        }
}

// ---- who is where ----

bool datagrams::anyone_is(std::string const& host) const {
    for (auto& [at, all] : open_)
        if (at.machine.empty())
            for (mailbox const* m : all)
                if (m->host == host) return true;
    return false;
}

// A socket that is bound to `bound` gets what is sent to `host`.
bool datagrams::answers(place const& at, std::string const& bound, std::string const& host) const {
    if (bound == host) return true;
    if (host == outside && at.machine.empty()) return is_any(bound) || is_loopback(bound);
    if (!is_any(bound) || (bound == "0.0.0.0" && is_ipv6(host))) return false;
    return !at.machine.empty() || is_address(host) || net_.how_.hosts.count(host) != 0;
}

bool datagrams::takes(mailbox const& m, flight const& f) const {
    if (m.peer && !(m.peer->at == f.sent_at && answers(f.sent_at, f.sender_host, m.peer->host))) return false;
    if (!f.to_all) return answers(m.at, m.host, f.to.host);
    if (is_broadcast(f.to.host)) return m.host == "0.0.0.0" || m.host == "::" || m.host == f.to.host;
    return m.groups.count(f.to.host) != 0 && (is_any(m.host) || m.host == f.to.host);
}

std::vector<std::string> datagrams::names_of(place const& at, std::string const& host) const {
    std::vector<std::string> names;
    std::string const known = !at.machine.empty() ? at.machine : is_any(host) || is_loopback(host) ? "" : host;
    if (known.empty()) return names;
    if (auto address = net_.how_.hosts.find(known); address != net_.how_.hosts.end()) names.push_back(address->second);
    names.push_back(known);
    return names;
}

destination datagrams::find(net::endpoint const& written, mailbox const& from) const {
    net::endpoint const to = unmapped(written);
    if (to.is_unix_socket())
        throw net::error(std::make_error_code(std::errc::address_family_not_supported),
                         "address family not supported by protocol");
    destination d;
    if (to.host == outside && !net_.machine_at(outside)) {
        d = {{"", to.port}, outside, to, {outside}, false};
    } else {
        network::target const t = net_.find_target(to, from.on.get());
        d = {{t.host ? t.name : std::string(), t.at.port}, t.at.host, t.at, {}, t.loopback};
        if (t.host && !is_loopback(t.at.host)) d.host = t.name;
        for (std::string const& name : {canonical(to.host), t.at.host, t.name})
            if (std::find(d.names.begin(), d.names.end(), name) == d.names.end()) d.names.push_back(name);
    }
    if (is_ipv4(from.host) && is_ipv6(d.shown.host))
        throw net::error(std::make_error_code(std::errc::address_family_not_supported),
                         "address family not supported by protocol");
    if (from.on && is_loopback(from.host) && !d.loopback)
        throw net::error(std::make_error_code(std::errc::invalid_argument), "invalid argument");
    return d;
}

net::endpoint datagrams::source(mailbox const& from, destination const& to) const {
    if (!is_any(from.host) && !(is_loopback(from.host) && from.at.machine.empty())) return {from.host, from.at.port};
    if (to.loopback && is_loopback(to.host)) return {is_ipv6(to.host) ? to.host : "127.0.0.1", from.at.port};
    if (!from.at.machine.empty()) return {from.at.machine, from.at.port};
    if (!to.at.machine.empty()) return {outside, from.at.port};
    if (is_loopback(from.host)) return {from.host, from.at.port};
    return {is_ipv6(to.host) ? "::1" : "127.0.0.1", from.at.port};
}

std::uint16_t datagrams::free_port(std::string const& machine) {
    for (int tries = 0; tries < 65536 - 49152; ++tries) {
        std::uint16_t const port = next_port_;
        next_port_ = next_port_ == 65535 ? 49152 : static_cast<std::uint16_t>(next_port_ + 1);
        if (!open_.count({machine, port})) return port;
    }
    throw net::error(std::make_error_code(std::errc::address_in_use), "address already in use");
}

// ---- the operations ----

std::shared_ptr<mailbox> datagrams::make(net::endpoint const& at, net::datagram_options const& how) {
    auto const failed = [](std::errc code, char const* what) { throw net::error(std::make_error_code(code), what); };
    auto const on = net_.machines_ ? net_.machines_->running() : nullptr;
    if (on && on->over) failed(std::errc::network_down, "network is down");
    if (at.is_unix_socket())
        failed(std::errc::address_family_not_supported, "address family not supported by protocol");
    if (at.host.empty()) throw net::error(net::errc::host_not_found, "host not found: \"\"");
    auto m = std::make_shared<mailbox>();
    m->net = this;
    m->host = canonical(at.host);
    m->at = {on ? on->of->name : std::string(), at.port};
    m->on = on;
    m->how = how;
    if (on && !is_any(m->host) && !is_loopback(m->host)) {
        bool const group = is_group(m->host) || is_broadcast(m->host);
        if (!group && net_.machine_at(m->host) != on->of.get())
            failed(std::errc::address_not_available, "cannot assign requested address");
        if (!group) m->host = m->at.machine;
    }
    if (at.port == 0) m->at.port = free_port(m->at.machine);
    if (auto const taken = open_.find(m->at); taken != open_.end())
        for (mailbox const* other : taken->second)
            if (overlap(on != nullptr, m->host, other->host) && !(how.reuse_port && other->how.reuse_port))
                failed(std::errc::address_in_use, "address already in use");
    if (!on && !is_any(m->host)) net_.know(m->host);
    m->names = names_of(m->at, m->host);
    m->local = {m->host, m->at.port};
    settle(m->at); // what came before is not for it
    open_[m->at].push_back(m.get());
    return m;
}

net::datagram_socket datagrams::bind(net::bind_datagram const& op) {
    return with_context([&] { return "binding to " + op.at.text(); },
                        [&] {
                            begin_to_resolve(op.at.host);
                            auto m = make(op.at, op.how);
                            return net::datagram_socket(behind(std::move(m)));
                        });
}

net::datagram_socket datagrams::connect(net::connect_datagram const& op) {
    return with_context(
        [&] { return "connecting to " + op.to.text(); },
        [&] {
            begin_to_resolve(op.to.host);
            if (op.from) begin_to_resolve(op.from->host);
            mailbox asking; // to find the peer by, before there is a socket
            asking.on = net_.machines_ ? net_.machines_->running() : nullptr;
            asking.host = op.from ? canonical(op.from->host) : "";
            destination peer = find(op.to, asking);
            net::endpoint const from = op.from.value_or(net::endpoint{is_ipv6(peer.shown.host) ? "::" : "0.0.0.0", 0});
            auto m = make(from, op.how);
            m->local = source(*m, peer);
            m->peer = std::move(peer);
            return net::datagram_socket(behind(std::move(m)));
        });
}

// ---- on their way ----

void datagrams::send(std::shared_ptr<mailbox> const& from, std::span<std::byte const> bytes, net::endpoint const* to) {
    std::string const host = to ? canonical(to->host) : from->peer->shown.host;
    bool const all = is_broadcast(host) || is_group(host);
    destination d;
    if (!to)
        d = *from->peer;
    else if (!all)
        d = find(*to, *from);
    if (bytes.size() > longest_over(all ? host : d.shown.host))
        throw net::error(std::make_error_code(std::errc::message_size), "message too long");
    if (to && to->port == 0) throw net::error(std::make_error_code(std::errc::invalid_argument), "invalid argument");
    if (is_broadcast(host) && !from->how.broadcast)
        throw net::error(std::make_error_code(std::errc::permission_denied), "permission denied");
    std::string text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    if (all)
        launch_to_all(from, text, {host, to ? to->port : from->peer->shown.port});
    else
        launch(from, std::move(text), std::move(d), false);
}

void datagrams::launch_to_all(std::shared_ptr<mailbox> const& from, std::string const& bytes, net::endpoint const& to) {
    std::vector<place> all;
    for (auto& [at, sockets] : open_)
        if (at.port == to.port) all.push_back(at);
    for (place& at : all) {
        bool const here = at.machine == from->at.machine;
        if (is_loopback(to.host) && !here) continue;
        auto names = names_of(at, "");
        launch(from, bytes, {std::move(at), to.host, to, std::move(names), here && from->on != nullptr}, true);
    }
}

void datagrams::launch(std::shared_ptr<mailbox> const& from, std::string bytes, destination to, bool to_all) {
    static link const none;
    settle(to.at);
    if (!to.loopback && !net_.passes(from->names, to.names)) return;
    link const& l = to.loopback ? none : net_.link_between(from->names, to.names);
    place const at = to.at;
    flight f{std::move(bytes), source(*from, to), from->at, from->host, from->names, {}, std::move(to), to_all};
    if (from->peer && !to_all) f.sender = from;
    for (int copies = net_.happens(l.duplication) ? 2 : 1; copies > 0; --copies) {
        if (net_.lost(l)) continue;
        time_point const arrives =
            f.to.loopback ? async::now() : net_.arrival(l, f.names, f.to.names, f.bytes.size(), async::now());
        under_way_[at].emplace(arrives, copies == 1 ? std::move(f) : f);
    }
    wake(at);
    from->readers.wake_all(); // to look at the time
}

void datagrams::wake(place const& at) noexcept {
    if (auto found = open_.find(at); found != open_.end())
        for (mailbox* m : found->second) m->readers.wake_all();
}

void datagrams::settle(mailbox const& of) {
    settle(of.at);
    if (of.peer) settle(of.peer->at);
}

void datagrams::settle(place const& at) {
    auto const found = under_way_.find(at);
    if (found == under_way_.end()) return;
    time_point const now = async::now();
    auto& flights = found->second;
    while (!flights.empty() && flights.begin()->first <= now) {
        auto first = flights.extract(flights.begin());
        deliver(first.key(), std::move(first.mapped()));
    }
    if (flights.empty()) under_way_.erase(found);
}

time_point datagrams::next_change(mailbox const& of) const {
    time_point next = of.refused_at;
    for (place const* at : {&of.at, of.peer ? &of.peer->at : &of.at})
        if (auto found = under_way_.find(*at); found != under_way_.end())
            next = std::min(next, found->second.begin()->first);
    return next;
}

void datagrams::deliver(time_point when, flight&& f) {
    if (!f.to.at.machine.empty()) {
        machine const* m = net_.machines_->find(f.to.at.machine);
        if (!m || !m->powered) return;
    }
    auto const there = open_.find(f.to.at);
    std::vector<mailbox*> takers;
    int best = 0;
    if (there != open_.end())
        for (mailbox* m : there->second) {
            if (!takes(*m, f)) continue;
            int const rank = f.to_all ? 0 : (m->peer ? 2 : 0) + (is_any(m->host) ? 0 : 1);
            if (rank > best) takers.clear();
            if (rank < best) continue;
            best = rank;
            takers.push_back(m);
        }
    if (f.to_all) {
        for (mailbox* m : takers) put(*m, {f.bytes, f.from, false});
    } else if (takers.empty()) {
        refuse(when, f);
    } else {
        // One sender's all to the same of those that share the address.
        std::uint64_t by = seed_;
        for (char c : f.from.text()) by = by * 1099511628211u + static_cast<unsigned char>(c);
        mailbox& one = *takers[takers.size() == 1 ? 0 : splitmix64(by) % takers.size()];
        put(one, {std::move(f.bytes), one.peer ? one.peer->shown : std::move(f.from), false});
    }
}

void datagrams::put(mailbox& into, net::datagram what) {
    std::size_t const limit = into.how.receive_buffer != 0 ? into.how.receive_buffer : net_.how_.datagram_buffer;
    if (into.kept >= limit) return;
    if (into.host == "::" && !into.peer && is_ipv4(what.from.host)) what.from.host.insert(0, mapped_prefix);
    into.kept += what.bytes.size() + mailbox::overhead;
    into.waiting.push_back(std::move(what));
    into.readers.wake_one();
}

// The machine's answer that nobody is there, which only a sender with a peer is told of.
void datagrams::refuse(time_point when, flight const& f) {
    auto const sender = f.sender.lock();
    if (!sender || sender->closed) return;
    static link const none;
    if (!f.to.loopback && !net_.passes(f.to.names, f.names)) return;
    link const& l = f.to.loopback ? none : net_.link_between(f.names, f.to.names);
    if (net_.lost(l)) return;
    time_point const told = f.to.loopback ? when : net_.arrival(l, f.to.names, f.names, 0, when);
    sender->refused_at = std::min(sender->refused_at, told);
    sender->readers.wake_all();
}

// ---- what ends them ----

void datagrams::closed(mailbox& m) noexcept {
    try {
        settle(m.at);
    } catch (...) { // outside a task there is no time: what comes, comes to nobody
    }
    auto const found = open_.find(m.at);
    if (found == open_.end()) return;
    std::erase(found->second, &m);
    if (found->second.empty()) open_.erase(found);
}

void datagrams::settle_all() {
    std::vector<place> all;
    for (auto& [at, flights] : under_way_) all.push_back(at);
    for (place const& at : all) settle(at);
}

void datagrams::drop_cut_off() {
    settle_all();
    for (auto& [at, flights] : under_way_)
        std::erase_if(flights, [&](auto& one) {
            flight const& f = one.second;
            return !f.to.loopback && !net_.passes(f.names, f.to.names);
        });
    std::erase_if(under_way_, [](auto& one) { return one.second.empty(); });
}

void datagrams::close_all_of(life const& host) {
    std::vector<mailbox*> mine;
    for (auto& [at, all] : open_)
        for (mailbox* m : all)
            if (m->on.get() == &host) mine.push_back(m);
    for (mailbox* m : mine) m->close();
}

} // namespace effects::sim::detail
