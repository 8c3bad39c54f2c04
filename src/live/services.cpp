// SPDX-License-Identifier: BSL-1.0
#include <effects/live/detail/services.hpp>

#include <exception>
#include <memory>
#include <mutex>
#include <semaphore>
#include <utility>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/expiry.hpp>
#include <effects/async/detail/task_base.hpp>
#include <effects/async/detail/turn.hpp>
#include <effects/async/detail/waiter.hpp>
#include <effects/detail/layer.hpp>
#include <effects/live/detail/event_loop.hpp>
#include <effects/live/detail/thread_set.hpp>

#include "datagrams.hpp"
#include "name_cache.hpp"
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
        std::exception_ptr error; // to be thrown when the work has ended, or if it never begins
        try {
            try {
                done.wait();
                return;
            } catch (async::cancelled const&) {
                if (loop_.workers().withdraw(*this)) error = std::current_exception();
            }
            if (!error) {
                async::detail::put_back_cancellation(async::detail::current_task());
                error = interrupt();
                done.wait_uncancellable();
            }
        } catch (...) { // it can't be suspended (no memory for its timer, say): then its thread waits
            if (loop_.workers().withdraw(*this))
                error = std::current_exception();
            else
                end->reached.acquire();
        }
        end->sleeper = nullptr;
        if (error) std::rethrow_exception(std::move(error));
    }

private:
    std::exception_ptr interrupt() const noexcept {
        try {
            if (op_.interrupt) op_.interrupt();
        } catch (...) {
            return std::current_exception();
        }
        return nullptr;
    }

    struct outcome {
        std::binary_semaphore reached{0};
        async::detail::waiter* sleeper = nullptr; // the loop's thread's
    };

    event_loop& loop_;
    async::run_blocking const& op_;
    std::shared_ptr<outcome> end_ = std::make_shared<outcome>();
};

} // namespace

void services::operator()(async::run_blocking const& op) {
    // A body that is given up can't be suspended; what it still asks for (a transaction's rollback) is done in place.
    if (effects::detail::in_unwinding()) return op.work();
    async::detail::refuse_what_waits(async::detail::current_task(), "async::blocking");
    async::detail::suspension_point("async::blocking");
    blocking_call(*loop_, op).wait();
}

// While a clause runs, the next handler outwards is the innermost in force: the loop's own.
void services::operator()(async::run_on_thread const& op) {
    if (op.thread == loop_->index()) {
        effects::detail::outer_in_force const as_it_was(op.top);
        return op.work();
    }
    if (!loop_->threads()) return async::run_on_thread::default_answer(op);
    loop_->threads()->run(*loop_, op, effects::detail::this_thread()->top);
}

async::find_thread::result_type services::operator()(async::find_thread const&) noexcept {
    return {loop_->threads() ? loop_->threads()->size() : 1, loop_->index()};
}

std::size_t services::operator()(async::take_turn const&) noexcept {
    return loop_->threads() ? loop_->threads()->next() : 0;
}

std::vector<net::endpoint> services::operator()(net::resolve const& op) {
    std::vector<net::endpoint> out;
    for (address const& a : loop_->names().find({op.host, op.port})) out.push_back(a.text());
    return out;
}

net::stream services::operator()(net::connect const& op) {
    return with_context([&] { return "connecting to " + op.to.text(); },
                        [&] {
                            auto const addresses = loop_->names().find(op.to);
                            try {
                                return connect_to(*loop_, op.to, addresses);
                            } catch (net::error const&) {
                                loop_->names().forget(op.to);
                                throw;
                            }
                        });
}

net::listener services::operator()(net::listen const& op) {
    return with_context([&] { return "listening at " + op.at.text(); },
                        [&] { return listen_at(*loop_, loop_->names().find(op.at), op.backlog, op.reuse_port); });
}

net::datagram_socket services::operator()(net::bind_datagram const& op) {
    return with_context([&] { return "binding to " + op.at.text(); },
                        [&] { return bind_at(*loop_, loop_->names().find(op.at), op.how); });
}

net::datagram_socket services::operator()(net::connect_datagram const& op) {
    return with_context([&] { return "connecting to " + op.to.text(); },
                        [&] {
                            auto const from = op.from ? loop_->names().find(*op.from) : std::vector<address>();
                            return connect_from(*loop_, from, loop_->names().find(op.to), op.how);
                        });
}

std::unique_ptr<os::detail::time_limit> services::operator()(os::detail::limit_time const& op) const {
    return std::make_unique<async::detail::expiry<os::detail::time_limit>>(op.limit, op.phase);
}

void services::operator()(os::detail::wait_turn const& op) const { async::detail::take_turn(op.what); }

} // namespace effects::live::detail
