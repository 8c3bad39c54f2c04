// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <effects/async/detail/carried_call.hpp>
#include <effects/async/detail/task_base.hpp>
#include <effects/async/scheduler.hpp>
#include <effects/perform.hpp>

namespace effects::async {

/// Runs `f`, which blocks its thread, on a worker thread, and suspends only this task meanwhile; gives its value, or throws what it
/// throws. `f` performs no effects (`unhandled_operation`). Once it has begun it is waited for even when the task is cancelled, so it may refer to locals;
/// `interrupt` (called from any thread, at most once) can tell it to hurry, and what that throws is thrown when `f` has ended; else its value is given, and
/// the next wait throws. Cancelled before it has begun, also while all worker threads are busy, it never begins.
///
///     auto text = async::blocking([&] { return read_whole(path); });
///
/// In a simulated world, outside any, and in a destructor while a dropped body is unwound, `f` runs in place. Elsewhere it does not begin
/// under a `must_not_suspend` (`std::logic_error`), in any world.
template <class F>
    requires std::is_invocable_v<F&> std::invoke_result_t<F&>
    blocking(F&& f, std::function<void()> interrupt = {},
             std::source_location where = std::source_location::current()) {
        detail::carried_call<F> call(f);
        detail::task_base* task = detail::current_task_or_null();
        if (task && !effects::detail::in_unwinding()) // in every world, that a test may show it
            detail::refuse_what_waits(*task, "async::blocking");
        detail::suspension_point("async::blocking");
        perform(run_blocking{[&call] {
                                 effects::detail::explains_no_handlers const here(
                                     "the function given to async::blocking runs on a worker thread, where no effects "
                                     "can be performed");
                                 call.run();
                             },
                             std::move(interrupt)},
                where);
        return call.take();
    }

} // namespace effects::async
