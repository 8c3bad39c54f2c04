// SPDX-License-Identifier: BSL-1.0
#include <effects/async/task.hpp>

#include <stdexcept>

#include <effects/async/detail/spawned.hpp>

namespace effects::async {

task_cancelled::task_cancelled(std::string const& task, reason why)
    : error(std::make_error_code(std::errc::operation_canceled),
            "task " + task + " was cancelled (" + std::string(to_string(why)) + ")"),
      why_(why) {}

namespace detail {

void throw_no_task() {
    throw std::logic_error("this async::task holds nothing: it was default-constructed or moved from");
}

void task_result::wait() {
    task_base& waits = current_task();
    throw_if_cancelled(waits);
    if (!running) return;
    // `waits` lives in scopes of those that can't end before it does.
    for (scope* s = &waits.whole; s; s = s->parent())
        if (s->owner() == running)
            throw std::logic_error("task " + waits.path() + " can't wait for " +
                                   (running == &waits ? "itself" : running->path() + ", which waits for it"));
    waiter w("task::wait", this);
    waiting.push_back(w);
    w.wait();
}

void task_result::wait_to_take() {
    wait();
    if (error) std::rethrow_exception(error);
    if (was_cancelled) throw task_cancelled(path, cancelled_why);
    if (std::exchange(taken, true))
        throw std::logic_error("async::task::get was called a second time: the first one moved the value out");
}

void task_result::cancel(reason why) noexcept {
    if (running) running->whole.cancel(why);
}

void task_result::ended(task_base& self, ending const& how) noexcept {
    if (!how.given_up) error = how.error;
    if (how.cut_short || how.given_up) {
        was_cancelled = true;
        cancelled_why = self.whole.why();
        path = self.path();
    }
    running = nullptr;
    waiting.wake_all();
}

} // namespace detail
} // namespace effects::async
