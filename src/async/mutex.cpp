// SPDX-License-Identifier: BSL-1.0
#include <effects/async/mutex.hpp>

#include <stdexcept>

namespace effects::async {

mutex_lock mutex::lock() {
    detail::suspension_point("mutex::lock");
    acquire(true);
    return mutex_lock(this);
}

mutex_lock mutex::try_lock() {
    if (locked_) return mutex_lock(nullptr);
    acquire(true);
    return mutex_lock(this);
}

// Handed over by `release`, in the order of the queue.
void mutex::acquire(bool cancellable) {
    detail::task_base* me = detail::current_task_or_null();
    if (!locked_) {
        locked_ = true;
        owner_ = me ? me->serial : 0;
        return;
    }
    if (me && owner_ == me->serial)
        throw std::logic_error("task " + me->path() + " locks a mutex that it has locked: it would wait for itself");
    detail::waiter w("mutex::lock", this);
    waiting_.push_back(w);
    if (cancellable)
        w.wait();
    else
        w.wait_uncancellable();
}

void mutex::release() noexcept {
    if (detail::waiter* next = waiting_.front()) {
        owner_ = next->task() ? next->task()->serial : 0;
        next->wake();
    } else {
        locked_ = false;
        owner_ = 0;
    }
}

void condition::wait(mutex_lock& held) {
    if (!held) throw std::logic_error("condition::wait needs a mutex that is locked");
    detail::suspension_point("condition::wait");
    mutex& m = *held.held_;
    detail::waiter w("condition::wait", this);
    waiting_.push_back(w);
    held.unlock();
    auto lock_again = [&] {
        m.acquire(false);
        held.held_ = &m;
    };
    try {
        w.wait();
    } catch (...) {
        lock_again();
        throw;
    }
    lock_again();
}

} // namespace effects::async
