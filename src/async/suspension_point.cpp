// SPDX-License-Identifier: BSL-1.0
// What a task meets where it would wait: its cancellation, its deadline, or what it holds.
#include "suspension_point.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/debugger.hpp>
#include <effects/async/detail/turn.hpp>
#include <effects/async/must_not_suspend.hpp>
#include <effects/perform.hpp>

namespace effects::async::detail {

namespace {

std::atomic<std::terminate_handler> terminate_before{nullptr};

// `cancelled` has left a destructor, or another function that is noexcept. Only here is that known: one that catches it
// inside itself is as good as any.
[[noreturn]] void tell_of_escaped_cancellation() {
    task_base* task = current_task_or_null();
    try {
        if (std::exception_ptr e = std::current_exception(); e && task) std::rethrow_exception(e);
    } catch (cancelled const& c) {
        try {
            std::fprintf(
                stderr,
                "effects: task %s was cancelled (%s), so %s in a destructor (or another noexcept function) threw "
                "async::cancelled, which ends the program; let clean-up suspend inside async::shield([&] {…})\n",
                task->path().c_str(), std::string(to_string(c.why())).c_str(), task->cancelled_in);
        } catch (std::exception const&) { // no memory for the path
        }
    } catch (...) {
    }
    if (auto before = terminate_before.load()) before();
    std::abort();
}

void watch_for_escapes() noexcept {
    if (std::get_terminate() == &tell_of_escaped_cancellation) return;
    auto before = std::set_terminate(&tell_of_escaped_cancellation);
    if (before != &tell_of_escaped_cancellation) terminate_before = before;
}

// Is this clean-up after a `cancelled`, in a catch block or a destructor? Then it has not been swallowed.
bool handles_cancellation() noexcept {
    if (std::uncaught_exceptions() > 0) return true;
    std::exception_ptr const handled = std::current_exception();
    if (!handled) return false;
    try {
        std::rethrow_exception(handled);
    } catch (cancelled const&) {
        return true;
    } catch (...) {
        return false;
    }
}

// Once for each cancellation.
void look_for_swallowed(task_base& task, char const* in) {
    scope& whole = task.innermost->cancelled_with();
    if (whole.told() == scope::telling::none) {
        whole.set_told(scope::telling::told);
    } else if (whole.told() == scope::telling::told && task.home->debugging() && !handles_cancellation()) {
        whole.set_told(scope::telling::swallowed);
        task.home->debugging()->report(debug_finding::swallowed_cancellation, task,
                                       told_of_cancellation(task, whole) + "goes on, to wait in " + in);
    }
}

} // namespace

std::string told_of_cancellation(task_base const& task, scope const& whole) {
    return "was told in " + std::string(task.cancelled_in) + " that it is cancelled (" +
           std::string(to_string(whole.why())) + "), caught that, and ";
}

void put_back_cancellation(task_base& task) noexcept {
    scope& whole = task.innermost->cancelled_with();
    if (whole.told() == scope::telling::told) whole.set_told(scope::telling::none);
}

namespace {

void report_held(task_base& task, char const* in) {
    if (debugger* d = task.home->debugging())
        d->report(debug_finding::lock_over_suspension, task,
                  std::string("waits in ") + in + " while it holds " + task.holds->what() + " (since " +
                      text_of(task.holds->where()) + ")");
}

} // namespace

void throw_must_not_suspend(task_base& task, char const* in) {
    report_held(task, in);
    throw std::logic_error("task " + task.path() + " would wait in " + in + " while it holds " + task.holds->what() +
                           " (since " + text_of(task.holds->where()) +
                           "), and so keep it from all others on its thread");
}

void throw_cancelled(task_base& task, char const* in) {
    look_for_swallowed(task, in);
    // Who swallows it again and again would never let the scheduler see that it goes on for ever.
    if (task.home->over_budget()) perform(suspend{.what = "yield", .ready = true});
    std::snprintf(task.cancelled_in, sizeof task.cancelled_in, "%s", in);
    watch_for_escapes();
    throw cancelled(task.innermost->why());
}

void throw_if_overdue(task_base& task, char const* in) {
    if (time_point instant = task.home->now(); task.innermost->nearest() <= instant) {
        scope::expire(*task.innermost, instant);
        if (task.innermost->pending()) throw_cancelled(task, in);
    }
}

void refuse_under_hold(task_base& task, suspend const& op) {
    if (op.ready || task.interruptible) throw_must_not_suspend(task, op.what);
    report_held(task, op.what);
}

void take_turn(char const* what) {
    task_base* task = current_task_or_null();
    if (!task) return;
    bool const given_up = core::in_unwinding();
    if (!given_up) refuse_what_waits(*task, what);
    throw_if_cancelled(*task, what);
    if (given_up) return;
    perform(suspend{.what = what, .ready = true});
    throw_if_cancelled(*task, what);
}

} // namespace effects::async::detail
