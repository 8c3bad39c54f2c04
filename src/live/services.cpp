// SPDX-License-Identifier: BSL-1.0
#include <effects/live/detail/services.hpp>

#include <atomic>
#include <memory>
#include <utility>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/waiter.hpp>
#include <effects/live/detail/event_loop.hpp>

#include "sockets.hpp"
#include "worker_pool.hpp"

namespace effects::live::detail {
namespace {

// On the stack of the task that waits for it.
class blocking_call final : public job {
public:
    blocking_call(event_loop& loop, async::run_blocking const& op) : loop_(loop), op_(op) {}

    void run() noexcept override {
        op_.work();
        loop_.post([this] { done_.wake(); });
    }

    void wait() {
        bool cancelled = false;
        try {
            done_.wait();
        } catch (async::cancelled const&) {
            cancelled = true; // the next suspension point throws it again
        }
        if (!cancelled) return;
        if (op_.interrupt) op_.interrupt();
        done_.wait_uncancellable();
    }

private:
    event_loop& loop_;
    async::run_blocking const& op_;
    async::detail::waiter done_{"async::blocking", this};
};

// A name's addresses, found by a worker thread. The resolver cannot be told to stop: a task that is cancelled goes its
// way, and the answer goes nowhere.
class name_lookup final : public job, public std::enable_shared_from_this<name_lookup> {
public:
    name_lookup(event_loop& loop, net::endpoint const& of) : loop_(loop), search_(of, 0) {}

    std::vector<address> wait() {
        self_ = shared_from_this();
        try {
            loop_.workers().submit(*this);
        } catch (...) {
            self_ = nullptr;
            throw;
        }
        async::detail::waiter w("net::resolve", this);
        struct goes {
            name_lookup& l;
            ~goes() {
                l.waiting_ = nullptr;
                l.abandoned_.store(true);
            }
        } const at_the_end{*this};
        waiting_ = &w;
        w.wait();
        return search_.result();
    }

    void run() noexcept override {
        auto self = std::move(self_);
        if (!abandoned_.load()) search_.run();
        event_loop& loop = loop_;
        loop.post([self = std::move(self)] {
            if (self->waiting_) self->waiting_->wake();
        });
    }

private:
    event_loop& loop_;
    address_search search_;
    std::shared_ptr<name_lookup> self_; // while a worker may come to it
    async::detail::waiter* waiting_ = nullptr;
    std::atomic<bool> abandoned_{false};
};

std::vector<address> find(event_loop& loop, net::endpoint const& of) {
    address_search numeric(of, AI_NUMERICHOST);
    numeric.run();
    if (!numeric.not_numeric() || of.host.empty()) return numeric.result();
    return std::make_shared<name_lookup>(loop, of)->wait();
}

} // namespace

void services::operator()(async::run_blocking const& op) {
    blocking_call call(*loop_, op);
    loop_->workers().submit(call);
    call.wait();
}

std::vector<net::endpoint> services::operator()(net::resolve const& op) {
    std::vector<net::endpoint> out;
    for (address const& a : find(*loop_, {op.host, op.port})) out.push_back(a.text());
    return out;
}

net::stream services::operator()(net::connect const& op) {
    return with_context([&] { return "connecting to " + op.to.text(); },
                        [&] { return connect_to(*loop_, op.to, find(*loop_, op.to)); });
}

net::listener services::operator()(net::listen const& op) {
    return with_context([&] { return "listening at " + op.at.text(); },
                        [&] { return listen_at(*loop_, find(*loop_, op.at), op.backlog); });
}

} // namespace effects::live::detail
