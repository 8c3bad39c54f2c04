// SPDX-License-Identifier: BSL-1.0
#include <effects/live/detail/services.hpp>

#include <memory>
#include <mutex>
#include <semaphore>
#include <utility>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/task_base.hpp>
#include <effects/async/detail/waiter.hpp>
#include <effects/live/detail/event_loop.hpp>

#include "sockets.hpp"
#include "worker_pool.hpp"

namespace effects::live::detail {
namespace {

// On the stack of the task that waits for it, and so is what `work` refers to: `wait` can't be left before the work is done.
class blocking_call final : public job {
public:
    blocking_call(event_loop& loop, async::run_blocking const& op) : loop_(loop), op_(op) {}

    void run() noexcept override {
        op_.work();
        event_loop& loop = loop_; // what waits may be gone from `release` on
        auto end = std::move(end_);
        end->reached.release();
        loop.post([end] {
            if (end->sleeper) end->sleeper->wake();
        });
    }

    void wait() {
        async::detail::waiter done("async::blocking", this);
        auto const end = end_;
        end->sleeper = &done;
        loop_.workers().submit(*this);
        try {
            try {
                done.wait();
                return;
            } catch (async::cancelled const&) {
                async::detail::put_back_cancellation(async::detail::current_task());
            }
            if (op_.interrupt) op_.interrupt();
            done.wait_uncancellable();
        } catch (...) { // it can't be suspended (no memory for its timer, say): then its thread waits
            end->reached.acquire();
            end->sleeper = nullptr;
        }
    }

private:
    struct outcome {
        std::binary_semaphore reached{0};
        async::detail::waiter* sleeper = nullptr; // the loop's thread's
    };

    event_loop& loop_;
    async::run_blocking const& op_;
    std::shared_ptr<outcome> end_ = std::make_shared<outcome>();
};

// A name's addresses. The resolver cannot be told to stop: a task that is cancelled goes its way, its world may end, and the
// answer goes nowhere.
class name_lookup final : public job, public std::enable_shared_from_this<name_lookup> {
public:
    name_lookup(event_loop& loop, net::endpoint const& of) : loop_(loop), search_(of, 0) {}

    std::vector<address> wait() {
        async::detail::waiter w("net::resolve", this);
        struct waits {
            name_lookup& l;
            waits(name_lookup& in, async::detail::waiter& who) : l(in) { set(&who); }
            ~waits() { set(nullptr); }
            void set(async::detail::waiter* who) {
                std::lock_guard lock(l.mutex_);
                l.waiting_ = who;
            }
        } const here{*this, w};
        submit_detached(shared_from_this());
        w.wait();
        return search_.result();
    }

    void run() noexcept override {
        if (!is_waited_for()) return;
        search_.run();
        std::lock_guard lock(mutex_); // as long as somebody waits, the loop is there
        if (waiting_)
            loop_.post([self = shared_from_this()] {
                if (self->waiting_) self->waiting_->wake();
            });
    }

private:
    bool is_waited_for() {
        std::lock_guard lock(mutex_);
        return waiting_ != nullptr;
    }

    event_loop& loop_;
    address_search search_;
    std::mutex mutex_;
    async::detail::waiter* waiting_ = nullptr; // set by the loop's thread
};

std::vector<address> find(event_loop& loop, net::endpoint const& of) {
    address_search numeric(of, AI_NUMERICHOST);
    numeric.run();
    if (!numeric.not_numeric() || of.host.empty()) return numeric.result();
    return std::make_shared<name_lookup>(loop, of)->wait();
}

} // namespace

void services::operator()(async::run_blocking const& op) {
    // A body that is given up can't be suspended; what it still asks for (a transaction's rollback) is done in place.
    if (effects::detail::in_unwinding()) return op.work();
    async::detail::suspension_point("async::blocking");
    blocking_call(*loop_, op).wait();
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
