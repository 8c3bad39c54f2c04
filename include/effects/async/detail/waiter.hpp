// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>

#include <effects/async/detail/task_base.hpp>

namespace effects::async::detail {

class waiter_list;

// One wake-up that the running task waits for: the building block of every primitive. Lies on the waiting task's
// stack; put it into the primitive's list, then wait.
//
//     waiter w{"event::wait", this};
//     waiting_.push_back(w);
//     w.wait();                      // a cancellation throws, and the destructor takes it out of the list
//
// A wake-up is never lost: once `wake()` was called, `wait` returns normally even if the task was cancelled as well,
// so what is handed over with a wake-up (an item, a permit) arrives. Nor is it wasted: a task that is cancelled while it waits is out
// of the list at once, before it runs.
class waiter {
public:
    waiter(char const* what, void const* on) noexcept : what_(what), on_(on) {}
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;
    ~waiter() { unlink(); }

    void wait() { wait_until(never); }
    bool wait_until(time_point until); // false: the time came first
    void wait_uncancellable();         // for joins
    void wake() noexcept;              // on the scheduler's thread
    bool woken() const noexcept { return woken_; }
    bool listed() const noexcept { return list_ != nullptr; } // then what it waits for is there, too
    void unlink() noexcept;
    // Of several that one task waits in at once, `wake` takes the first and the others out of their lists.
    void tie_to(waiter& other) noexcept { alternative_ = std::exchange(other.alternative_, this); }
    void withdraw() noexcept; // unlinks it, and those that it is tied to
    // Waits for one of those tied to `first`: that one. Null: the time came first. Throws as `wait` does, and none is woken then.
    static waiter* wait_for_one(waiter& first, time_point until);
    task_base* task() const noexcept { return task_; } // who waits, once it does

private:
    friend class waiter_list;
    void refuse_two_worlds() const;
    char const* what_;
    void const* on_;
    task_base* task_ = nullptr;
    waiter_list* list_ = nullptr;
    waiter* previous_ = nullptr;
    waiter* next_ = nullptr;
    waiter* alternative_ = this; // a ring, mostly of itself alone
    bool woken_ = false;
};

// First in, first out. Who still waits in it when it is destroyed waits for ever, but touches it no more.
class waiter_list {
public:
    waiter_list() = default;
    waiter_list(waiter_list const&) = delete;
    waiter_list& operator=(waiter_list const&) = delete;
    ~waiter_list() {
        while (first_) remove(*first_);
    }

    bool empty() const noexcept { return first_ == nullptr; }
    waiter* front() const noexcept { return first_; }
    std::size_t size() const noexcept { // counts
        std::size_t n = 0;
        for (waiter* w = first_; w; w = next_of(*w)) ++n;
        return n;
    }
    void push_back(waiter& w) noexcept;
    void remove(waiter& w) noexcept;
    bool wake_one() noexcept; // false when there was none
    void wake_all() noexcept;

private:
    static waiter* next_of(waiter& w) noexcept { return w.next_; }

    waiter* first_ = nullptr;
    waiter* last_ = nullptr;
};

inline void waiter::unlink() noexcept {
    if (list_) list_->remove(*this);
}
inline void waiter::withdraw() noexcept {
    unlink();
    for (waiter* w = alternative_; w != this; w = w->alternative_) w->unlink();
}

} // namespace effects::async::detail
