// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/network.hpp>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <effects/async/detail/waiter.hpp>
#include <effects/perform.hpp>
#include <effects/sim/detail/machines.hpp>
#include <effects/sim/detail/random.hpp>

#include "checks.hpp"
#include "connection.hpp"
#include "datagrams.hpp"
#include "door.hpp"
#include "failure.hpp"
#include "names.hpp"
#include "suspension.hpp"

namespace effects::sim {

using async::duration;
using async::time_point;
using detail::any_address;
using detail::canonical;
using detail::connection;
using detail::fail;
using detail::is_address;
using detail::is_any;
using detail::is_loopback;

namespace {

std::pair<std::string, std::string> in_order(std::string const& one, std::string const& other) {
    return one < other ? std::pair(one, other) : std::pair(other, one);
}

// Longer ones, and none, have no place in a sockaddr_un (unix(7)).
void check_path(net::endpoint const& at) {
    std::string_view const path = at.path();
    if (!at.is_unix_socket()) return;
    auto failed = [](std::errc code, char const* what) { throw net::error(std::make_error_code(code), what); };
    if (path.empty() || path.find('\0') != path.npos) failed(std::errc::invalid_argument, "invalid argument");
    if (path.size() > (path.starts_with('@') ? 108 : 107)) failed(std::errc::filename_too_long, "file name too long");
}

std::string known_as(std::vector<std::string> const& names) { return names.empty() ? std::string() : names.back(); }

duration time_for(std::size_t bytes, std::uint64_t per_second) noexcept {
    constexpr std::uint64_t second = 1'000'000'000;
    return duration(static_cast<std::int64_t>(bytes / per_second * second + bytes % per_second * second / per_second));
}

} // namespace

network::network(network_options how, std::uint64_t seed, detail::machines* named)
    : how_(std::move(how)), random_(seed ^ 0x6e657477'6f726bu), machines_(named),
      datagrams_(std::make_unique<detail::datagrams>(*this, seed)) {
    detail::check(how_);
}

// Streams may be held for longer than the world: they are closed then.
network::~network() {
    for (connection* c : connections_) c->net = nullptr;
    for (auto& [at, weak] : doors_)
        if (auto const first = weak.lock())
            for (detail::door* d : *first->sharing) {
                d->net = nullptr;
                d->closed = true;
            }
}

network& network::current() { return perform(reach_network{}); }

void network::configure(network_options how) {
    detail::check(how);
    how_ = std::move(how);
}

// ---- how it delays and loses ----

std::uint64_t network::draw() noexcept { return detail::splitmix64(random_); }

link const& network::link_between(names const& one, names const& other) const {
    if (!links_.empty())
        for (std::string const& a : one)
            for (std::string const& b : other)
                if (auto found = links_.find(in_order(a, b)); found != links_.end()) return found->second;
    return how_.link;
}

link const& network::link_of(connection const& c) const {
    static link const none;
    return c.loopback ? none : link_between(c.ends[0].names, c.ends[1].names);
}

bool network::passes(names const& from, names const& to) const {
    if (partitioned_.empty() && one_way_.empty()) return true;
    for (names const* end : {&from, &to})
        for (std::string const& name : *end)
            if (partitioned_.count(name)) return false;
    for (std::string const& a : from)
        for (std::string const& b : to)
            if (one_way_.count({a, b})) return false;
    return true;
}

bool network::arrives(connection const& c, int from) const {
    connection::end const& receiver = c.ends[1 - from];
    if (receiver.host && !receiver.host->of->powered) return false;
    return c.loopback || passes(c.ends[from].names, receiver.names);
}

time_point network::arrival(link const& l, names const& from, names const& to, std::size_t size, time_point sent) {
    if (l.bandwidth != 0 && size != 0) {
        time_point& free = busy_until_[{known_as(from), known_as(to)}];
        time_point const now = async::now();
        free = async::after(std::max(free, now), time_for(size, l.bandwidth));
        sent = async::after(sent, free - now);
    }
    if (&l == &how_.link) sent = async::after(sent, latency::uniform(how_.latency_min, how_.latency_max).draw(random_));
    return async::after(sent, l.latency.draw(random_));
}

time_point network::arrival(connection const& c, int from, std::size_t size, time_point sent) {
    if (c.loopback) return sent;
    return arrival(link_of(c), c.ends[from].names, c.ends[1 - from].names, size, sent);
}

bool network::happens(double probability) noexcept {
    return probability > 0 && static_cast<double>(draw() >> 11) < probability * 9007199254740992.0; // 2^53: exact
}

bool network::lost(link const& l) noexcept { return happens(l.loss); }

std::size_t network::cut(std::size_t size, std::size_t limit) noexcept {
    if (limit == 0 || size <= 1) return size;
    return std::min<std::size_t>(size, 1 + draw() % limit);
}

// ---- who is where ----

detail::machine* network::machine_at(std::string const& name) const {
    if (!machines_) return nullptr;
    if (auto* m = machines_->find(name)) return m;
    for (auto const& [known, its_address] : how_.hosts)
        if (its_address == name)
            if (auto* m = machines_->find(known)) return m;
    return nullptr;
}

std::vector<net::endpoint> network::resolve(net::resolve const& op) const {
    detail::begin_to_resolve(op.host);
    std::string host = canonical(op.host);
    if (is_address(host)) return {{host, op.port}};
    if (auto known = how_.hosts.find(host); known != how_.hosts.end()) return {{known->second, op.port}};
    if (machines_ && machines_->find(host)) return {{host, op.port}};
    for (auto& [at, weak] : doors_)
        if (at.host.empty() && at.at.host == host) return {{host, op.port}};
    if (datagrams_->anyone_is(host) || partitioned_.count(host)) return {{host, op.port}};
    throw net::error(net::errc::host_not_found, "host not found: " + (op.host.empty() ? "\"\"" : op.host));
}

network::target network::find_target(net::endpoint const& to, detail::life const* from) const {
    net::endpoint at = resolve(net::resolve(to.host, to.port)).front();
    if (from && is_loopback(at.host)) return {from->of->name, at, from->of.get(), true};
    detail::machine* host = machine_at(at.host);
    return {host ? host->name : at.host, at, host, host && from && host == from->of.get()};
}

std::shared_ptr<detail::door> network::find(target const& to) const {
    auto open = [&](std::string const& host) {
        auto found = doors_.find({to.host ? to.name : std::string(), {host, to.at.port}});
        return found == doors_.end() ? nullptr : found->second.lock();
    };
    if (auto d = open(to.host && !is_loopback(to.at.host) ? to.name : to.at.host)) return d;
    bool const by_ipv6 = detail::is_ipv6(to.at.host);
    for (char const* any : any_address) {
        if (by_ipv6 && any == std::string_view("0.0.0.0")) continue;
        if (auto d = open(any); d && (to.host || is_address(to.at.host) || how_.hosts.count(to.at.host))) return d;
    }
    return nullptr;
}

// By a listener that gets, or might get, what that one would, unless both say that they share it.
bool network::taken(address const& at, bool share) const {
    bool const is_path = at.at.is_unix_socket();
    for (auto& [other, weak] : doors_) {
        if (other.host != at.host || other.at.port != at.at.port) continue;
        bool const both = other.at == at.at || (!is_path && !other.at.is_unix_socket() &&
                                                detail::overlap(!at.host.empty(), at.at.host, other.at.host));
        auto const d = both ? weak.lock() : nullptr;
        if (d && !(share && d->reuse_port && !is_path)) return true;
    }
    return false;
}

// ---- the operations ----

net::stream network::connect(net::connect const& op) {
    detail::begin_to_wait("net::connect");
    auto const from = machines_ ? machines_->running() : nullptr;
    auto failed = [&](std::errc code, char const* what) { fail(code, "connecting to " + op.to.text(), what); };
    if (from && from->over) failed(std::errc::network_down, "network is down");
    target const to = with_context([&] { return "connecting to " + op.to.text(); },
                                   [&] {
                                       check_path(op.to);
                                       return find_target(op.to, from.get());
                                   });
    auto wait_until = [this](time_point at) { async::detail::waiter("net::connect", this).wait_until(at); };

    auto c = std::make_shared<connection>();
    c->loopback = to.loopback;
    if (from) c->ends[0].names = {from->of->name};
    c->ends[0].host = from;
    c->ends[1].at = to.at;
    for (std::string const& name : {canonical(op.to.host), to.at.host, to.name})
        if (std::find(c->ends[1].names.begin(), c->ends[1].names.end(), name) == c->ends[1].names.end())
            c->ends[1].names.push_back(name);

    time_point const give_up = async::after(async::now(), how_.connect_timeout);
    wait_until(arrival(*c, 0, 0, async::now()));
    auto answered = [&] {
        if ((to.host && !to.host->powered) || !arrives(*c, 0) || !arrives(*c, 1)) return false;
        link const& l = link_of(*c);
        return !lost(l) && !lost(l); // the request, the answer
    };
    // The system sends its request again after a second, then after two, …, and gives up in the end.
    for (duration again = std::chrono::seconds(1); !answered(); again *= 2) {
        if (async::now() >= give_up) failed(std::errc::timed_out, "connection timed out");
        wait_until(std::min(give_up, async::after(async::now(), again)));
        if (again > how_.connect_timeout) again = how_.connect_timeout;
    }
    if (from && from->over) failed(std::errc::network_down, "network is down");
    auto d = find(to);
    if (!d && op.to.is_unix_socket()) failed(std::errc::no_such_file_or_directory, "no such file or directory");
    if (d && d->sharing->size() > 1) d = (*d->sharing)[draw() % d->sharing->size()]->shared_from_this();
    if (!d || d->waiting.size() >= d->backlog) {
        wait_until(arrival(*c, 1, 0, async::now()));
        failed(std::errc::connection_refused, "connection refused");
    }
    if (op.to.is_unix_socket())
        c->ends[0].at = net::endpoint::unix_socket("");
    else if (from)
        c->ends[0].at = {from->of->name, next_port_};
    else
        c->ends[0].at = {detail::is_ipv6(to.at.host) ? "::1" : "127.0.0.1", next_port_};
    c->mapped = d->at.host == "::";
    next_port_ = next_port_ == 65535 ? 49152 : static_cast<std::uint16_t>(next_port_ + 1);
    c->ends[1].host = d->host;
    opened(*c);
    net::stream client(detail::end_of(c, 0));
    d->waiting.push_back(c);
    d->acceptors.wake_one();
    wait_until(arrival(*c, 1, 0, async::now()));
    return client;
}

net::listener network::listen(net::listen const& op) {
    detail::begin_to_resolve(op.at.host);
    auto const host = machines_ ? machines_->running() : nullptr;
    auto failed = [&](std::errc code, char const* what) { fail(code, "listening at " + op.at.text(), what); };
    if (host && host->over) failed(std::errc::network_down, "network is down");
    with_context([&] { return "listening at " + op.at.text(); },
                 [&] {
                     check_path(op.at);
                     if (op.at.host.empty() || host) resolve({op.at.host, op.at.port});
                 });
    address at{host ? host->of->name : std::string(), {canonical(op.at.host), op.at.port}};
    if (host && !is_any(at.at.host) && !is_loopback(at.at.host)) {
        if (machine_at(at.at.host) != host->of.get())
            failed(std::errc::address_not_available, "cannot assign requested address");
        at.at.host = at.host;
    }
    if (at.at.port == 0 && !at.at.is_unix_socket()) {
        at.at.port = 20000;
        while (taken(at, false)) ++at.at.port;
    }
    std::shared_ptr<detail::door> others;
    if (auto found = doors_.find(at); found != doors_.end()) others = found->second.lock();
    if (taken(at, op.reuse_port)) failed(std::errc::address_in_use, "address already in use");
    if (!host && !is_any(at.at.host)) know(at.at.host);
    auto d = std::make_shared<detail::door>();
    d->net = this;
    d->machine = at.host;
    d->at = at.at;
    d->host = host;
    d->backlog = static_cast<std::size_t>(std::max(op.backlog, 1));
    d->reuse_port = op.reuse_port;
    d->sharing = others ? others->sharing : std::make_shared<std::vector<detail::door*>>();
    d->sharing->push_back(d.get());
    if (!others) doors_[at] = d;
    return net::listener(detail::behind(std::move(d)));
}

net::datagram_socket network::bind(net::bind_datagram const& op) { return datagrams_->bind(op); }

net::datagram_socket network::connect(net::connect_datagram const& op) { return datagrams_->connect(op); }

// ---- what is open ----

void network::opened(connection& c) {
    c.place = connections_.insert(connections_.end(), &c);
    c.net = this;
    c.update();
}

void network::closed(connection& c) noexcept { connections_.erase(c.place); }

void network::closed(detail::door& d) noexcept {
    std::erase(*d.sharing, &d);
    auto const found = doors_.find({d.machine, d.at});
    if (d.sharing->empty())
        doors_.erase(found);
    else
        found->second = d.sharing->front()->weak_from_this();
}

std::vector<std::shared_ptr<connection>> network::all_connections() const {
    std::vector<std::shared_ptr<connection>> all;
    for (connection* c : connections_)
        if (auto open = c->weak_from_this().lock()) all.push_back(std::move(open));
    return all;
}

std::vector<std::shared_ptr<connection>> network::connections_of(std::string const& host) const {
    auto all = all_connections();
    auto named = [&](connection::end const& e) {
        return std::find(e.names.begin(), e.names.end(), host) != e.names.end();
    };
    std::erase_if(all, [&](auto& c) { return !named(c->ends[0]) && !named(c->ends[1]); });
    return all;
}

std::vector<std::shared_ptr<detail::door>> network::doors_of(detail::life const& host) const {
    std::vector<std::shared_ptr<detail::door>> found;
    for (auto& [at, weak] : doors_)
        if (auto const first = weak.lock())
            for (detail::door* d : *first->sharing)
                if (d->host.get() == &host) found.push_back(d->shared_from_this());
    return found;
}

// ---- what breaks it ----

void network::update() {
    for (auto& c : all_connections()) c->update();
    datagrams_->drop_cut_off();
}

std::string network::host_called(std::string const& name, char const* call) const {
    std::string const host = canonical(name);
    bool const there = is_address(host) || known_.count(host) || how_.hosts.count(host) || machine_at(host);
    if (there) return host;
    std::set<std::string> all = known_;
    for (auto& [declared, its_address] : how_.hosts) all.insert(declared);
    std::string listed;
    for (std::string const& one : all) listed += (listed.empty() ? "" : ", ") + one;
    throw std::invalid_argument("sim::network::" + std::string(call) + ": there is no host called '" + name +
                                "', but " + (listed.empty() ? "none at all" : listed));
}

void network::partition(std::string const& host) {
    partitioned_.insert(host_called(host, "partition"));
    update();
}

void network::partition(std::string const& one, std::string const& other) {
    std::string const a = host_called(one, "partition");
    std::string const b = host_called(other, "partition");
    one_way_.insert({a, b});
    one_way_.insert({b, a});
    update();
}

void network::partition_one_way(std::string const& from, std::string const& to) {
    one_way_.insert({host_called(from, "partition_one_way"), host_called(to, "partition_one_way")});
    update();
}

void network::heal(std::string const& host) {
    std::string const name = host_called(host, "heal");
    partitioned_.erase(name);
    std::erase_if(one_way_, [&](auto& two) { return two.first == name || two.second == name; });
    update();
}

void network::heal(std::string const& one, std::string const& other) {
    std::string const a = host_called(one, "heal");
    std::string const b = host_called(other, "heal");
    one_way_.erase({a, b});
    one_way_.erase({b, a});
    update();
}

void network::set_link(std::string const& one, std::string const& other, link how) {
    detail::check(how, "link::");
    links_[in_order(host_called(one, "set_link"), host_called(other, "set_link"))] = how;
}

void network::reset_connections(std::string const& host) {
    for (auto& c : connections_of(host_called(host, "reset_connections"))) {
        c->failed = true;
        for (detail::pipe& p : c->to) {
            p.pieces.clear();
            p.under_way = p.arrived = 0;
        }
        c->wake_all();
    }
}

void network::forget_connections(std::string const& host) {
    std::string const name = host_called(host, "forget_connections");
    for (auto& c : connections_of(name))
        for (int side : {0, 1}) {
            connection::end& e = c->ends[side];
            if (std::find(e.names.begin(), e.names.end(), name) == e.names.end()) continue;
            e.reset_at = async::now();
            c->to[side].reset_arrived = true;
            c->vanish(side);
        }
}

void network::catch_up() { datagrams_->settle_all(); }

void network::host_is_back() { update(); }

void network::vanish(detail::life const& host) {
    for (auto& c : all_connections())
        for (int side : {0, 1})
            if (c->ends[side].host.get() == &host) c->vanish(side);
    for (auto& d : doors_of(host)) d->vanish();
    datagrams_->close_all_of(host);
}

void network::hang_up(detail::life const& host) {
    for (auto& d : doors_of(host)) d->close();
    for (auto& c : all_connections())
        for (int side : {0, 1})
            if (c->ends[side].host.get() == &host) c->close(side);
    datagrams_->close_all_of(host);
}

} // namespace effects::sim
