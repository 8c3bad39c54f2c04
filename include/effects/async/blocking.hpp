// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <effects/async/detail/carried_call.hpp>
#include <effects/async/detail/task_base.hpp>
#include <effects/async/detail/without_handlers.hpp>
#include <effects/async/scheduler.hpp>
#include <effects/perform.hpp>

namespace effects::async {

namespace detail {

// The same, in the name of an operation, for messages: "os::read_text".
template <class F>
std::invoke_result_t<F&> blocking_in(char const* operation, F& f, std::function<void()> interrupt,
                                     std::source_location where) {
    carried_call<F> call(f);
    task_base* task = current_task_or_null();
    if (task && !effects::detail::in_unwinding()) // in every world, that a test may show it
        refuse_what_waits(*task, operation);
    suspension_point(operation);
    perform(run_blocking{[&call] {
                             without_handlers const here("the function given to async::blocking runs on a worker "
                                                         "thread, where no effects can be performed");
                             call.run();
                         },
                         std::move(interrupt)},
            where);
    return call.take();
}

} // namespace detail

/// Runs `f`, which blocks its thread, on a worker thread, and suspends only this task meanwhile; gives its value, or throws what it
/// throws. Once it has begun it is waited for even when the task is cancelled, so it may refer to locals; `interrupt` (called from any
/// thread, at most once) can tell it to hurry, and what that throws is thrown when `f` has ended; else its value is given, and the next wait
/// throws. Cancelled before it has begun, also while all worker threads are busy, it never begins.
///
///     auto text = async::blocking([&] { return read_whole(path); });
///
/// `f` has no handlers and is no task, wherever it runs: what it performs is an `unhandled_operation`, and a wait a `std::logic_error`.
///
/// In a simulated world other ready tasks may run first, and then `f` runs in place and takes no time; outside any world, and in a
/// destructor while a dropped body is unwound, it runs in place at once. In every world it does not begin under a `must_not_suspend`
/// (`std::logic_error`).
template <class F>
    requires std::is_invocable_v<F&> std::invoke_result_t<F&>
    blocking(F&& f, std::function<void()> interrupt = {},
             std::source_location where = std::source_location::current()) {
        return detail::blocking_in("async::blocking", f, std::move(interrupt), where);
    }

} // namespace effects::async
