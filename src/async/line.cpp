// SPDX-License-Identifier: BSL-1.0
#include <effects/async/detail/line.hpp>

#include <effects/async/detail/scheduler.hpp>

namespace effects::async::detail {

void line::push_back(place& p) noexcept {
    p.previous_ = last_;
    (last_ ? last_->next_ : first_) = &p;
    last_ = &p;
    ++size_;
}

void line::remove(place& p) noexcept {
    (p.previous_ ? p.previous_->next_ : first_) = p.next_;
    (p.next_ ? p.next_->previous_ : last_) = p.previous_;
    p.previous_ = p.next_ = nullptr;
    --size_;
}

// A place that was called stays until the wake-up has come, which may be on its way from another thread, and until the
// caller has let go of the mutex, as what that guards is perhaps this task's to end.
bool line::wait(std::unique_lock<std::mutex>& lock, place& mine, time_point until) {
    lock.unlock();
    bool woken = false;
    try {
        woken = mine.sleeper_.wait_until(until);
    } catch (...) {
        lock.lock();
        if (!mine.called_) throw;
        lock.unlock();
        mine.sleeper_.wait_uncancellable();
        lock.lock();
        return true;
    }
    lock.lock();
    if (woken || !mine.called_) return woken;
    lock.unlock();
    mine.sleeper_.wait_uncancellable();
    lock.lock();
    return true;
}

void line::call(place& p) noexcept {
    p.called_ = true;
    task_base* here = current_task_or_null();
    if (here && here->home == p.home_)
        p.sleeper_.wake();
    else
        p.home_->post([&p] { p.sleeper_.wake(); });
}

} // namespace effects::async::detail
