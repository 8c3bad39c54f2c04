// SPDX-License-Identifier: BSL-1.0
#include <effects/async/once.hpp>

#include <stdexcept>

#include <effects/detail/prompt.hpp>
#include <effects/error.hpp>

namespace effects::async::detail {

struct single_flight::caller : waiter {
    explicit caller(single_flight& of) noexcept : waiter("once::call", &of) {}
    state told = state::idle; // running: it is this one's turn
    std::exception_ptr error;
};

bool single_flight::begin() {
    suspension_point("once::call");
    task_base* me = current_task_or_null();
    std::uint64_t serial = me ? me->serial : 0;
    switch (state_) {
    case state::done:
        return false;
    case state::failed:
        std::rethrow_exception(error_);
    case state::idle:
        state_ = state::running;
        runner_ = serial;
        return true;
    case state::running:
        break;
    }
    if (runner_ == serial)
        throw std::logic_error((me ? "task " + me->path() : std::string("a function")) +
                               " calls async::once inside its own run: it would wait for itself");
    caller c(*this);
    waiting_.push_back(c);
    c.wait();
    if (c.error) std::rethrow_exception(std::move(c.error));
    return c.told == state::running;
}

void single_flight::tell(state what, std::exception_ptr const& e) noexcept {
    while (waiter* first = waiting_.front()) {
        auto& c = static_cast<caller&>(*first);
        c.told = what;
        c.error = e;
        c.wake();
    }
}

void single_flight::succeed() noexcept {
    state_ = state::done;
    tell(state::done, nullptr);
}

void single_flight::fail(std::exception_ptr e) noexcept {
    effects::detail::mark_shared(e, effects::detail::sharing::by_tasks);
    state_ = how_.remember_failures ? state::failed : state::idle;
    if (how_.remember_failures) error_ = e;
    tell(state::failed, e);
}

void single_flight::hand_over() noexcept {
    state_ = state::idle;
    waiter* first = waiting_.front();
    if (!first) return;
    auto& next = static_cast<caller&>(*first);
    state_ = state::running;
    runner_ = next.task()->serial;
    next.told = state::running;
    next.wake();
}

} // namespace effects::async::detail
