// SPDX-License-Identifier: BSL-1.0
#include <effects/async/detail/waiter.hpp>

#include <effects/async/detail/scheduler.hpp>
#include <effects/perform.hpp>

namespace effects::async::detail {

bool waiter::wait_until(time_point until) {
    task_base& task = current_task();
    task_ = &task;
    struct nowhere {
        task_base& task;
        ~nowhere() { task.waits_in = nullptr; }
    } guard{task};
    while (!woken_) {
        throw_if_cancelled(task, what_);
        if (until != never && task.home->now() >= until) return false;
        task.interruptible = true;
        task.waits_in = this;
        perform(suspend{.until = until, .what = what_, .on = on_});
    }
    return true;
}

void waiter::wait_uncancellable() {
    task_base& task = current_task();
    task_ = &task;
    while (!woken_) {
        task.interruptible = false;
        perform(suspend{.what = what_, .on = on_});
    }
}

void waiter::wake() noexcept {
    unlink();
    woken_ = true;
    if (task_) task_->home->wake(*task_);
}

void waiter_list::push_back(waiter& w) noexcept {
    w.list_ = this;
    w.previous_ = last_;
    (last_ ? last_->next_ : first_) = &w;
    last_ = &w;
}

void waiter_list::remove(waiter& w) noexcept {
    (w.previous_ ? w.previous_->next_ : first_) = w.next_;
    (w.next_ ? w.next_->previous_ : last_) = w.previous_;
    w.previous_ = w.next_ = nullptr;
    w.list_ = nullptr;
}

bool waiter_list::wake_one() noexcept {
    if (!first_) return false;
    first_->wake();
    return true;
}

void waiter_list::wake_all() noexcept {
    while (wake_one()) {
    }
}

} // namespace effects::async::detail
