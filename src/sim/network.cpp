// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/network.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>

#include <effects/async/sleep.hpp>
#include <effects/perform.hpp>
#include <effects/sim/detail/random.hpp>

namespace effects::sim {

namespace {

using async::time_point;

// In the words of the live world, so that what a program reads of an error is the same in both.
[[noreturn]] void fail(std::error_code code, std::string const& doing, char const* what) {
    net::error e(code, what);
    e.add_context(doing);
    throw e;
}
[[noreturn]] void fail(std::errc code, std::string const& doing, char const* what) {
    fail(std::make_error_code(code), doing, what);
}

std::string canonical(std::string const& host) { return host == "localhost" ? "127.0.0.1" : host; }

bool is_address(std::string const& host) {
    return host.find(':') != host.npos || (!host.empty() && host.find_first_not_of("0123456789.") == host.npos);
}

} // namespace

namespace detail {

// One direction of a connection: bytes in order, each piece with the instant from which on it can be read.
struct pipe {
    struct piece {
        time_point arrives;
        std::string bytes;
        std::size_t read = 0;
    };
    std::deque<piece> pieces;
    std::size_t under_way = 0;
    time_point last_arrival{};
    bool ended = false; // the writer has ended it, after what is in `pieces`
    async::detail::waiter_list readers;
    async::detail::waiter_list writers;

    void wake_all() noexcept {
        readers.wake_all();
        writers.wake_all();
    }
};

struct connection {
    network* net = nullptr; // null once the world is gone
    std::string host;       // that was connected to
    net::endpoint ends[2];  // client, server
    pipe to[2];             // what the client, the server reads
    bool closed[2] = {false, false};
    bool reset = false;  // by one side's end: the other one learns it when it can be reached
    bool failed = false; // by `reset_connections`: both sides know

    bool cut_off() const { return net->partitioned(host) || net->partitioned(ends[1].host); }

    void wake_all() noexcept {
        to[0].wake_all();
        to[1].wake_all();
    }
};

namespace {

class pipe_end final : public net::transport {
public:
    pipe_end(std::shared_ptr<connection> c, int side) : connection_(std::move(c)), side_(side) {}
    ~pipe_end() override { pipe_end::close(); }

    std::size_t read_some(std::span<std::byte> to) override {
        if (to.empty()) return 0;
        pipe& in = connection_->to[side_];
        for (;;) {
            check_open("reading from ");
            if (connection_->failed) fail_as_reset("reading from ");
            bool const cut_off = connection_->cut_off();
            time_point next = async::never;
            if (cut_off) { // waits to be healed
            } else if (!in.pieces.empty()) {
                next = in.pieces.front().arrives;
                if (next <= async::now()) return take(in, to);
            } else if (connection_->reset) {
                fail_as_reset("reading from ");
            } else if (in.ended) {
                if (in.last_arrival <= async::now()) return 0;
                next = in.last_arrival;
            }
            async::detail::waiter w("net::stream::read_some", connection_.get());
            in.readers.push_back(w);
            w.wait_until(next);
        }
    }

    std::size_t write_some(std::span<std::byte const> from) override {
        if (from.empty()) return 0;
        pipe& out = connection_->to[1 - side_];
        for (;;) {
            check_open("writing to ");
            bool const cut_off = connection_->cut_off();
            if (connection_->failed || (connection_->reset && !cut_off)) fail_as_reset("writing to ");
            if (out.ended || (connection_->closed[1 - side_] && !cut_off))
                fail(std::errc::broken_pipe, "writing to " + remote().text(), "broken pipe");
            network& net = *connection_->net;
            if (std::size_t window = net.settings().window; out.under_way < window) {
                std::size_t size = net.cut(std::min(from.size(), window - out.under_way), net.settings().max_write);
                out.last_arrival = std::max(out.last_arrival, net.arrival());
                out.pieces.push_back(
                    {out.last_arrival, std::string(reinterpret_cast<char const*>(from.data()), size), 0});
                out.under_way += size;
                out.readers.wake_one();
                return size;
            }
            async::detail::waiter w("net::stream::write_some", connection_.get());
            out.writers.push_back(w);
            w.wait();
        }
    }

    void shutdown_write() override {
        pipe& out = connection_->to[1 - side_];
        if (out.ended || connection_->closed[side_] || !connection_->net) return;
        out.ended = true;
        out.last_arrival = std::max(out.last_arrival, connection_->net->arrival());
        out.wake_all();
    }

    void close() noexcept override {
        if (connection_->closed[side_]) return;
        pipe& in = connection_->to[side_];
        if (!in.pieces.empty()) connection_->reset = true; // unread bytes: the peer learns that they were lost
        if (connection_->net) {
            try {
                shutdown_write();
            } catch (...) { // outside a task there is no time: it ends at once
                connection_->to[1 - side_].ended = true;
            }
        }
        connection_->closed[side_] = true;
        in.pieces.clear();
        in.under_way = 0;
        connection_->wake_all();
    }

    bool stale() noexcept override {
        pipe& in = connection_->to[side_];
        if (!connection_->net || connection_->closed[side_] || connection_->failed) return true;
        if (connection_->cut_off()) return false; // as far as this side knows
        return connection_->closed[1 - side_] || connection_->reset || in.ended || !in.pieces.empty();
    }

    net::endpoint local() const override { return connection_->ends[side_]; }
    net::endpoint remote() const override { return connection_->ends[1 - side_]; }

private:
    [[noreturn]] void fail_as_reset(char const* doing) const {
        fail(std::errc::connection_reset, doing + remote().text(), "connection reset by peer");
    }
    void check_open(char const* doing) const {
        if (connection_->closed[side_] || !connection_->net)
            fail(net::errc::closed, doing + remote().text(), "the stream was closed on this side");
    }

    std::size_t take(pipe& in, std::span<std::byte> to) {
        std::size_t limit = connection_->net->cut(to.size(), connection_->net->settings().max_read);
        time_point now = async::now();
        std::size_t done = 0;
        while (done < limit && !in.pieces.empty() && in.pieces.front().arrives <= now) {
            pipe::piece& p = in.pieces.front();
            std::size_t n = std::min(limit - done, p.bytes.size() - p.read);
            std::memcpy(to.data() + done, p.bytes.data() + p.read, n);
            done += n;
            if ((p.read += n) == p.bytes.size()) in.pieces.pop_front();
        }
        in.under_way -= done;
        in.writers.wake_one();
        if (!in.pieces.empty() || in.ended) in.readers.wake_one();
        return done;
    }

    std::shared_ptr<connection> connection_;
    int side_;
};

} // namespace

// A listening socket.
struct door {
    network* net = nullptr;
    net::endpoint at;
    std::deque<std::shared_ptr<connection>> waiting;
    std::size_t backlog = 0;
    bool closed = false;
    async::detail::waiter_list acceptors;
};

namespace {

class door_end final : public net::acceptor {
public:
    explicit door_end(std::shared_ptr<door> d) : door_(std::move(d)) {}
    ~door_end() override { door_end::close(); }

    net::stream accept() override {
        for (;;) {
            if (door_->closed)
                fail(net::errc::closed, "accepting at " + door_->at.text(), "the listener was closed on this side");
            if (!door_->waiting.empty()) {
                auto c = std::move(door_->waiting.front());
                door_->waiting.pop_front();
                if (!door_->waiting.empty()) door_->acceptors.wake_one();
                return net::stream(std::make_unique<pipe_end>(std::move(c), 1));
            }
            async::detail::waiter w("net::listener::accept", door_.get());
            door_->acceptors.push_back(w);
            w.wait();
        }
    }

    void close() noexcept override {
        if (std::exchange(door_->closed, true)) return;
        for (auto& c : door_->waiting) {
            c->reset = true;
            c->closed[1] = true;
            c->wake_all();
        }
        door_->waiting.clear();
        door_->acceptors.wake_all();
        if (door_->net) door_->net->closed(*door_);
    }

    net::endpoint local() const override { return door_->at; }

private:
    std::shared_ptr<door> door_;
};

} // namespace
} // namespace detail

network::network(network_options how, std::uint64_t seed) : how_(std::move(how)), random_(seed ^ 0x6e657477'6f726bu) {}

// Streams may be held for longer than the world: they are closed then.
network::~network() {
    for (auto& weak : connections_)
        if (auto c = weak.lock()) c->net = nullptr;
    for (auto& [at, weak] : doors_)
        if (auto d = weak.lock()) {
            d->net = nullptr;
            d->closed = true;
        }
}

network& network::current() { return perform(reach_network{}); }

std::uint64_t network::draw() noexcept { return detail::splitmix64(random_); }

time_point network::arrival() {
    auto least = std::max(how_.latency_min, async::duration(0));
    auto spread = how_.latency_max > least ? how_.latency_max - least : async::duration(0);
    auto extra =
        spread.count() ? static_cast<std::int64_t>(draw() % (static_cast<std::uint64_t>(spread.count()) + 1)) : 0;
    return async::after(async::after(async::now(), least), async::duration(extra));
}

std::size_t network::cut(std::size_t size, std::size_t limit) noexcept {
    if (limit == 0 || size <= 1) return size;
    return std::min<std::size_t>(size, 1 + draw() % limit);
}

void network::closed(detail::door& d) noexcept { doors_.erase(d.at); }

std::shared_ptr<detail::door> network::find(net::endpoint const& at) const {
    auto open = [&](net::endpoint const& key) {
        auto found = doors_.find(key);
        return found == doors_.end() ? nullptr : found->second.lock();
    };
    if (auto d = open(at)) return d;
    for (char const* any : {"0.0.0.0", "::", ""})
        if (auto d = open({any, at.port}); d && (is_address(at.host) || how_.hosts.count(at.host))) return d;
    return nullptr;
}

std::vector<net::endpoint> network::resolve(net::resolve const& op) const {
    std::string host = canonical(op.host);
    if (is_address(host)) return {{host, op.port}};
    if (auto known = how_.hosts.find(host); known != how_.hosts.end()) return {{known->second, op.port}};
    for (auto& [at, weak] : doors_)
        if (at.host == host) return {{host, op.port}};
    if (partitioned(host)) return {{host, op.port}};
    throw net::error(net::errc::host_not_found, "host not found: " + op.host);
}

net::stream network::connect(net::connect const& op) {
    net::endpoint to = with_context([&] { return "connecting to " + op.to.text(); },
                                    [&] { return resolve(net::resolve(op.to.host, op.to.port)).front(); });
    auto cut_off = [&] { return partitioned(op.to.host) || partitioned(to.host); };
    time_point give_up = async::after(async::now(), how_.connect_timeout);
    async::sleep_until(arrival());
    while (cut_off()) { // the system sends its request again after a second, and gives up in the end
        if (async::now() >= give_up)
            fail(std::errc::timed_out, "connecting to " + op.to.text(), "connection timed out");
        async::sleep_until(std::min(give_up, async::after(async::now(), std::chrono::seconds(1))));
    }
    auto d = find(to);
    if (!d && to.is_unix_socket())
        fail(std::errc::no_such_file_or_directory, "connecting to " + op.to.text(), "no such file or directory");
    if (!d || d->waiting.size() >= d->backlog) {
        async::sleep_until(arrival());
        fail(std::errc::connection_refused, "connecting to " + op.to.text(), "connection refused");
    }
    auto c = std::make_shared<detail::connection>();
    c->net = this;
    c->host = op.to.host;
    c->ends[0] = to.is_unix_socket() ? net::endpoint::unix_socket("") : net::endpoint{"127.0.0.1", next_port_};
    next_port_ = next_port_ == 65535 ? 49152 : static_cast<std::uint16_t>(next_port_ + 1);
    c->ends[1] = {to.host, to.port};
    std::erase_if(connections_, [](auto& weak) { return weak.expired(); });
    connections_.push_back(c);
    net::stream client(std::make_unique<detail::pipe_end>(c, 0));
    d->waiting.push_back(std::move(c));
    d->acceptors.wake_one();
    async::sleep_until(arrival());
    return client;
}

net::listener network::listen(net::listen const& op) {
    net::endpoint at{canonical(op.at.host), op.at.port};
    if (at.port == 0 && !at.is_unix_socket()) {
        at.port = 20000;
        while (doors_.count(at)) ++at.port;
    }
    if (doors_.count(at)) fail(std::errc::address_in_use, "listening at " + op.at.text(), "address already in use");
    auto d = std::make_shared<detail::door>();
    d->net = this;
    d->at = at;
    d->backlog = static_cast<std::size_t>(std::max(op.backlog, 1));
    doors_[at] = d;
    return net::listener(std::make_unique<detail::door_end>(std::move(d)));
}

std::vector<std::shared_ptr<detail::connection>> network::connections_to(std::string const& host) {
    std::vector<std::shared_ptr<detail::connection>> found;
    for (auto& weak : connections_)
        if (auto c = weak.lock(); c && (canonical(c->host) == canonical(host) || c->ends[1].host == canonical(host)))
            found.push_back(std::move(c));
    return found;
}

bool network::partitioned(std::string const& host) const { return partitioned_.count(canonical(host)) != 0; }

void network::partition(std::string const& host) { partitioned_.insert(canonical(host)); }

void network::heal(std::string const& host) {
    partitioned_.erase(canonical(host));
    for (auto& c : connections_to(host)) c->wake_all();
}

void network::reset_connections(std::string const& host) {
    for (auto& c : connections_to(host)) {
        c->failed = true;
        for (detail::pipe& p : c->to) {
            p.pieces.clear();
            p.under_way = 0;
        }
        c->wake_all();
    }
}

} // namespace effects::sim
