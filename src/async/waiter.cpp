// SPDX-License-Identifier: BSL-1.0
#include <effects/async/detail/waiter.hpp>

#include <stdexcept>
#include <string>

#include <effects/async/detail/scheduler.hpp>
#include <effects/perform.hpp>

namespace effects::async::detail {

// What waits in a list is for the tasks of one thread. Only here can it be seen that one of another comes, and only if it is not
// the first.
void waiter::refuse_two_worlds() const {
    if (!list_ || list_->front() == this) return;
    task_base const* const first = list_->front()->task_;
    if (!first || first->home == task_->home) return;
    throw std::logic_error("task " + task_->path() + " would wait in " + what_ +
                           " for what a task of another thread (" + first->path() +
                           ") waits for: it is for the tasks of one; across threads, use async::promise");
}

bool waiter::wait_until(time_point until) {
    task_base& task = current_task();
    task_ = &task;
    refuse_two_worlds();
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

waiter* waiter::wait_for_one(waiter& first, time_point until) {
    task_base& task = current_task();
    for (waiter* w = &first;;) {
        w->task_ = &task;
        w->refuse_two_worlds();
        w = w->alternative_;
        if (w == &first) break;
    }
    struct nowhere {
        task_base& task;
        waiter& ring;
        ~nowhere() {
            task.waits_in = nullptr;
            ring.withdraw();
        }
    } guard{task, first};
    for (;;) {
        for (waiter* w = &first;;) {
            if (w->woken_) return w;
            w = w->alternative_;
            if (w == &first) break;
        }
        throw_if_cancelled(task, first.what_);
        if (until != never && task.home->now() >= until) return nullptr;
        task.interruptible = true;
        task.waits_in = &first;
        perform(suspend{.until = until, .what = first.what_, .on = first.on_});
    }
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
    withdraw();
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
