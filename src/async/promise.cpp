// SPDX-License-Identifier: BSL-1.0
#include <effects/async/promise.hpp>

#include <stdexcept>

#include <effects/async/detail/scheduler.hpp>
#include <effects/error.hpp>

namespace effects::async::detail {

// Lies on the waiting task's stack. Once `taken`, a wake-up is on its way, and the task stays until it has come.
struct promise_state::waiting_task {
    scheduler* home;
    waiter sleeper;
    waiting_task* previous = nullptr;
    waiting_task* next = nullptr;
    bool taken = false;
};

bool promise_state::done() const noexcept {
    std::lock_guard lock(mutex_);
    return set_;
}

void promise_state::wait() {
    suspension_point("promise::wait");
    std::unique_lock lock(mutex_);
    if (set_) return;
    waiting_task me{current_task().home, waiter("promise::wait", this)};
    me.previous = last_;
    (last_ ? last_->next : first_) = &me;
    last_ = &me;
    lock.unlock();
    try {
        me.sleeper.wait();
        lock.lock(); // the setter may still be in `settle`, and what it holds is perhaps the caller's to end
    } catch (...) {
        lock.lock();
        if (!me.taken) {
            (me.previous ? me.previous->next : first_) = me.next;
            (me.next ? me.next->previous : last_) = me.previous;
            throw;
        }
        lock.unlock();
        me.sleeper.wait_uncancellable();
        lock.lock();
    }
}

void promise_state::wait_for_value() {
    wait();
    std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
    if (taken_) throw std::logic_error("the promise's value was moved out by take() before");
}

void promise_state::claim_the_value() {
    std::lock_guard lock(mutex_);
    if (std::exchange(taken_, true)) throw std::logic_error("the promise's value was moved out by take() before");
}

bool promise_state::fail(std::exception_ptr e) {
    if (!e) throw std::invalid_argument("promise::set_exception was given a null std::exception_ptr");
    effects::detail::mark_shared(e, effects::detail::sharing::by_threads);
    std::lock_guard lock(mutex_);
    if (set_) return false;
    error_ = std::move(e);
    settle();
    return true;
}

// The mutex is held to the end: without it no task can leave, nor its scheduler end.
void promise_state::settle() noexcept {
    set_ = true;
    task_base* here = current_task_or_null();
    while (waiting_task* w = first_) {
        first_ = w->next;
        w->taken = true;
        if (here && here->home == w->home)
            w->sleeper.wake();
        else
            w->home->post([w] { w->sleeper.wake(); });
    }
    last_ = nullptr;
}

void throw_set_twice() {
    throw std::logic_error("the promise was set before; try_set_value and try_set_exception may be late");
}

} // namespace effects::async::detail
