// SPDX-License-Identifier: BSL-1.0
#include "connection.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <effects/sim/detail/machines.hpp>

#include "failure.hpp"
#include "names.hpp"

namespace effects::sim::detail {

namespace {

using async::duration;
using async::never;
using async::time_point;

constexpr duration longest_timeout = std::chrono::seconds(120); // of one retransmission

duration first_timeout(link const& l) noexcept { return std::clamp(l.retransmit_after, duration(1), longest_timeout); }

// From the first try to the end of the wait after the last.
duration patience(link const& l) noexcept {
    duration total{0};
    duration timeout = first_timeout(l);
    std::uint64_t tries = std::uint64_t{l.retransmissions} + 1;
    for (; tries > 0 && timeout < longest_timeout; --tries, timeout = std::min(2 * timeout, longest_timeout))
        total += timeout;
    constexpr std::uint64_t most = 10'000'000; // forty years
    return total + longest_timeout * static_cast<std::int64_t>(std::min(tries, most));
}

} // namespace

connection::~connection() {
    if (net) net->closed(*this);
}

net::endpoint connection::seen(int side, int by) const {
    net::endpoint at = ends[side].at;
    if (mapped && by == 1 && is_ipv4(at.host)) at.host.insert(0, mapped_prefix);
    return at;
}

bool connection::learned_reset(int side) const {
    pipe const& in = to[side];
    if (ends[side].reset_at == never) return false;
    return in.blocked ? in.reset_arrived : ends[side].reset_at <= async::now();
}

time_point connection::gives_up(int side) const {
    time_point const since = to[1 - side].stalled_since;
    return since == never ? never : async::after(since, patience(net->link_of(*this)));
}

void connection::check(int side, char const* doing) {
    end& own = ends[side];
    auto broken = [&](std::errc code, char const* what) { fail(code, doing + seen(1 - side, side).text(), what); };
    if (own.closed || !net || (own.host && own.host->over))
        fail(net::errc::closed, doing + seen(1 - side, side).text(), "the stream was closed on this side");
    if (failed) broken(std::errc::connection_reset, "connection reset by peer");
    if (!own.timed_out && gives_up(side) <= async::now()) own.timed_out = own.gone = true;
    if (own.timed_out) broken(std::errc::timed_out, "connection timed out");
}

time_point connection::next_failure(int side) const {
    time_point const at = gives_up(side);
    return to[side].blocked ? at : std::min(at, ends[side].reset_at);
}

time_point connection::next_change(int side) const {
    pipe const& in = to[side];
    time_point const next = next_failure(side);
    if (in.blocked) return next;
    if (!in.pieces.empty()) return std::min(next, in.pieces.front().arrives);
    return in.ended ? std::min(next, in.last_arrival) : next;
}

// Who waits on that side has to look at the time from now on.
void connection::stall(pipe& out, int from) {
    if (out.stalled_since != never) return;
    out.stalled_since = async::now();
    to[from].readers.wake_all();
    out.writers.wake_all();
}

// A segment on its way, from the first time that it is sent to the time that it is not lost, if there is one.
void connection::put(pipe& out, int from, std::size_t size) {
    link const& l = net->link_of(*this);
    time_point sent = async::now();
    duration timeout = first_timeout(l);
    for (unsigned tries = 0; net->lost(l); ++tries, timeout = std::min(2 * timeout, longest_timeout)) {
        if (tries == l.retransmissions) { // the connection is broken, and its writer will notice
            out.last_arrival = never;
            break;
        }
        sent = async::after(sent, timeout);
    }
    out.last_arrival = std::max(out.last_arrival, net->arrival(*this, from, size, sent));
    if (out.blocked || out.last_arrival == never) stall(out, from);
}

void connection::send(int from, std::span<std::byte const> bytes) {
    pipe& out = to[1 - from];
    if (ends[1 - from].gone && !out.blocked) {
        send_reset(from, net->arrival(*this, from, bytes.size(), async::now()));
        return;
    }
    put(out, from, bytes.size());
    out.pieces.push_back({out.last_arrival, std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size()), 0});
    out.under_way += bytes.size();
    out.readers.wake_one();
}

void connection::shut_down(int side) {
    pipe& out = to[1 - side];
    if (out.ended || ends[side].closed || !net) return;
    out.ended = true;
    put(out, side, 0);
    out.wake_all();
}

// Behind what that side sent before.
void connection::send_reset(int side, time_point sent) {
    pipe const& in = to[side];
    time_point at = net->arrival(*this, 1 - side, 0, sent);
    if (in.last_arrival != never) at = std::max(at, in.last_arrival);
    ends[side].reset_at = std::min(ends[side].reset_at, at);
    to[side].readers.wake_all();
    to[1 - side].writers.wake_all();
}

void connection::close(int side) noexcept {
    end& own = ends[side];
    if (own.closed) return;
    pipe& in = to[side];
    pipe& out = to[1 - side];
    bool const silent = own.gone || (own.host && own.host->over); // nothing goes out any more
    if (net && !silent) {
        try {
            if (in.pieces.empty())
                shut_down(side);
            else
                send_reset(1 - side,
                           async::now()); // the peer learns that they were lost, and of no end (RFC 1122, 4.2.2.13)
        } catch (...) {                   // outside a task there is no time: it ends at once
            if (!in.pieces.empty()) ends[1 - side].reset_at = time_point{};
            out.ended = true;
        }
    }
    own.closed = true;
    in.pieces.clear();
    in.arrived = 0;
    in.readers.wake_all();
    out.writers.wake_all();
    if (silent) return; // not even that there is room again
    in.under_way = 0;
    in.writers.wake_all();
    out.readers.wake_all();
}

void connection::vanish(int side) {
    end& own = ends[side];
    if (own.closed) return;
    own.gone = true;
    update();
    pipe& in = to[side];
    bool const full = in.under_way >= net->settings().window;
    bool const answered = !in.blocked && (full || in.last_arrival > async::now()) && in.last_arrival != never;
    in.pieces.clear();
    in.arrived = 0; // `under_way` stays as it was: the writer hears nothing
    if (answered) send_reset(1 - side, std::max(in.last_arrival, async::now())); // what is under way will be
    to[side].readers.wake_all();
    to[1 - side].writers.wake_all();
}

void connection::update() {
    time_point const now = async::now();
    for (int side : {0, 1}) {
        pipe& in = to[side];
        bool const blocked = !net->arrives(*this, 1 - side);
        if (blocked == in.blocked) continue;
        in.blocked = blocked;
        if (blocked) {
            auto late = std::find_if(in.pieces.begin(), in.pieces.end(), [&](auto& p) { return p.arrives > now; });
            in.arrived = static_cast<std::size_t>(late - in.pieces.begin());
            in.end_arrived = in.ended && in.last_arrival <= now;
            in.reset_arrived = ends[side].reset_at <= now;
            // A writer that waits for room asks for it again and again, too.
            if (late != in.pieces.end() || (in.ended && !in.end_arrived) || in.under_way >= net->settings().window)
                stall(in, 1 - side);
        } else {
            if (in.stalled_since != never && ends[side].gone) // what is sent again is answered
                send_reset(1 - side, net->arrival(*this, 1 - side, 0, now));
            if (in.last_arrival != never) in.stalled_since = never;
            wake_all();
        }
    }
}

namespace {

class stream_end final : public net::transport {
public:
    stream_end(std::shared_ptr<connection> c, int side) : connection_(std::move(c)), side_(side) {}
    ~stream_end() override { stream_end::close(); }

    std::size_t read_some(std::span<std::byte> to) override {
        if (to.empty()) return 0;
        pipe& in = connection_->to[side_];
        async::detail::suspension_point();
        if (!in.readers.empty()) throw std::logic_error("two tasks read from one stream at once");
        for (;;) {
            connection_->check(side_, "reading from ");
            time_point const now = async::now();
            if (in.readable(now)) return take(in, to, now);
            if (connection_->learned_reset(side_)) fail_as_reset("reading from ");
            if (in.at_end(now)) return 0;
            async::detail::waiter w("net::read", connection_.get());
            in.readers.push_back(w);
            w.wait_until(connection_->next_change(side_));
        }
    }

    std::size_t write_some(std::span<std::byte const> from) override {
        if (from.empty()) return 0;
        pipe const& in = connection_->to[side_];
        pipe& out = connection_->to[1 - side_];
        async::detail::suspension_point();
        if (!out.writers.empty()) throw std::logic_error("two tasks write to one stream at once");
        for (;;) {
            connection_->check(side_, "writing to ");
            if (connection_->learned_reset(side_)) fail_as_reset("writing to ");
            bool const reset_comes = connection_->ends[side_].reset_at != never; // until then it writes to nobody
            bool const knows = !in.blocked && !out.blocked && !reset_comes;
            if (out.ended || (connection_->said_goodbye(1 - side_) && knows))
                fail(std::errc::broken_pipe, "writing to " + remote().text(), "broken pipe");
            network& net = *connection_->net;
            if (std::size_t window = net.settings().window; out.under_way < window) {
                std::size_t size = net.cut(std::min(from.size(), window - out.under_way), net.settings().max_write);
                connection_->send(side_, from.first(size));
                return size;
            }
            async::detail::waiter w("net::write", connection_.get());
            out.writers.push_back(w);
            w.wait_until(connection_->next_failure(side_));
        }
    }

    void shutdown_write() override {
        if (connection_->ends[side_].host && connection_->ends[side_].host->over) return;
        if (connection_->ends[side_].closed || !connection_->net)
            fail(net::errc::closed, "ending " + remote().text(), "the stream was closed on this side");
        connection_->shut_down(side_);
    }

    void close() noexcept override { connection_->close(side_); }

    bool stale() noexcept override {
        connection const& c = *connection_;
        connection::end const& own = c.ends[side_];
        pipe const& in = c.to[side_];
        if (!c.net || own.closed || c.failed || own.timed_out || (own.host && own.host->over)) return true;
        if (in.blocked) return in.arrived > 0 || in.end_arrived || in.reset_arrived; // as far as this side knows
        if (c.said_goodbye(1 - side_) || in.ended || !in.pieces.empty()) return true;
        return own.reset_at != never && c.learned_reset(side_);
    }

    net::endpoint local() const override { return connection_->seen(side_, side_); }
    net::endpoint remote() const override { return connection_->seen(1 - side_, side_); }

private:
    [[noreturn]] void fail_as_reset(char const* doing) const {
        fail(std::errc::connection_reset, doing + remote().text(), "connection reset by peer");
    }

    std::size_t take(pipe& in, std::span<std::byte> to, time_point now) {
        std::size_t limit = connection_->net->cut(to.size(), connection_->net->settings().max_read);
        std::size_t done = 0;
        while (done < limit && in.readable(now)) {
            pipe::piece& p = in.pieces.front();
            std::size_t n = std::min(limit - done, p.bytes.size() - p.read);
            std::memcpy(to.data() + done, p.bytes.data() + p.read, n);
            done += n;
            if ((p.read += n) != p.bytes.size()) continue;
            in.pieces.pop_front();
            if (in.arrived > 0) --in.arrived;
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

std::unique_ptr<net::transport> end_of(std::shared_ptr<connection> c, int side) {
    return std::make_unique<stream_end>(std::move(c), side);
}

} // namespace effects::sim::detail
