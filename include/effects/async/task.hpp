// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/waiter.hpp>
#include <effects/detail/kept.hpp>

namespace effects::async {

/// `task::get` of a task that was cancelled before it had a value. Not the caller's own cancellation, which is `cancelled`.
class task_cancelled : public error {
public:
    task_cancelled(std::string const& task, reason why);
    reason why() const noexcept { return why_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    reason why_;
};

namespace detail {

struct ending;

// What a task leaves for those who hold its `task<T>`; outlives its stack.
struct task_result {
    task_base* running = nullptr; // null once it has ended
    std::exception_ptr error;
    waiter_list waiting;
    int holders = 1;
    bool was_cancelled = false;
    bool taken = false;
    reason cancelled_why = reason::requested;
    std::string path; // set when it was cancelled, for the message

    void wait();
    void wait_to_take(); // throws what the task threw
    void cancel(reason why) noexcept;
    void ended(task_base& self, ending const& how) noexcept;

private:
    void refuse_a_circle(task_base const& waits) const;
};

[[noreturn]] void throw_no_task();

template <class T>
struct task_result_of : task_result {
    effects::detail::kept<T> value;
};

} // namespace detail

/// A task of a group, as `group::spawn` gives it: wait for it, take its value, cancel it. Letting go of it cancels nothing: the
/// group waits for the task. Moves, does not copy; may outlive the group. An empty one (default-constructed or moved from) throws
/// `std::logic_error` from all but the test for it.
///
///     auto rate = g.spawn(fetch_rate, "EUR");   …   total *= rate.get();
template <class T>
class task {
public:
    task() noexcept = default;
    explicit task(detail::task_result_of<T>* shared) noexcept : shared_(shared) {}
    task(task&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        task old(std::move(*this));
        shared_ = std::exchange(other.shared_, nullptr);
        return *this;
    }
    ~task() {
        if (shared_ && --shared_->holders == 0) delete shared_;
    }

    /// Waits, then moves the value out; a second time is a `std::logic_error`, and so is a task that waits for itself or for one that
    /// waits for it, directly or in a circle, where none of them has a limit of time. Throws what the task threw (any number of times), `task_cancelled` if it was cancelled. Cancelling the caller while it
    /// waits leaves the task as it is.
    T get() {
        the_result().wait_to_take();
        return shared_->value.take();
    }
    /// Waits until it has ended, however that was. Cancelling the caller leaves the task as it is.
    void wait() { the_result().wait(); }
    bool done() const { return the_result().running == nullptr; }
    /// Asks it to end: its next suspension throws `cancelled`. The group does not count it as a failure. Of one that has ended: nothing.
    void cancel(reason why = reason::requested) { the_result().cancel(why); }

    explicit operator bool() const noexcept { return shared_ != nullptr; }

private:
    detail::task_result& the_result() const {
        if (!shared_) detail::throw_no_task();
        return *shared_;
    }

    detail::task_result_of<T>* shared_ = nullptr;
};

} // namespace effects::async
