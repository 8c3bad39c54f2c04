// SPDX-License-Identifier: BSL-1.0
#include <effects/async/task.hpp>

#include <stdexcept>
#include <string_view>

#include <effects/async/detail/debugger.hpp>
#include <effects/async/detail/scheduler.hpp>
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
    throw_if_cancelled(waits, "task::wait");
    if (!running) return;
    if (running->home != waits.home)
        throw std::logic_error("task " + waits.path() + " can't wait for " + running->path() +
                               ", which runs on another thread: across threads, use async::promise");
    // `waits` lives in scopes of those that can't end before it does.
    for (scope* s = &waits.whole; s; s = s->parent())
        if (s->owner() == running)
            throw std::logic_error("task " + waits.path() + " can't wait for " +
                                   (running == &waits ? "itself" : running->path() + ", which waits for it"));
    refuse_a_circle(waits);
    waiter w("task::wait", this);
    waiting.push_back(w);
    w.wait();
}

// Each waits for the next one's end, and none of them has a limit of time, or is cancelled: it would be for ever.
void task_result::refuse_a_circle(task_base const& waits) const {
    auto for_ever = [](task_base const& t) { return t.innermost->nearest() == never && !t.innermost->pending(); };
    if (!for_ever(waits)) return;
    for (task_base const* t = running; t && for_ever(*t);) {
        if (t->state != task_base::state_type::parked || !t->waits_in || !t->waits_in->listed() ||
            std::string_view(t->waits_for) != "task::wait")
            return;
        task_base const* next = static_cast<task_result const*>(t->waits_on)->running;
        if (next == &waits)
            throw std::logic_error("task " + waits.path() + " can't wait for " + running->path() + ": " + t->path() +
                                   " waits for it");
        t = next;
    }
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

void tell_of_swallowed(task_base& self) noexcept {
    debugger* d = self.home->debugging();
    // A daemon, and who is shut down, was asked to end, and did.
    if (!d || self.daemon || self.whole.why() == reason::shutdown) return;
    try {
        d->report(debug_finding::swallowed_cancellation, self,
                  told_of_cancellation(self, self.whole) + "ended as if it were not");
    } catch (std::exception const&) { // no memory for the text
    }
}

void task_result::ended(task_base& self, ending const& how) noexcept {
    look_at_end(self, how);
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
