// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <effects/async/cancelled.hpp>
#include <effects/async/detail/carried_call.hpp>
#include <effects/async/detail/task_base.hpp>
#include <effects/async/group.hpp>
#include <effects/perform.hpp>

namespace effects::async {

/// Runs `work` as a task of another thread's event loop, under the handlers in force where it was performed, and suspends the task until it
/// has ended; a cancellation is passed on to it. `work` does not throw. Without a world of several threads there is thread 0 only, where it
/// runs in place. See `async::on`.
struct run_on_thread {
    using result_type = void;
    static constexpr bool replayable = false; // `work` leaves its result elsewhere
    std::size_t thread;
    std::function<void()> work;
    effects::detail::frame* top; ///< the handlers in force

    static void default_answer(run_on_thread const& op);
};

/// Asks where the task runs: `async::threads()` and `async::thread()`.
struct find_thread {
    struct result_type {
        std::size_t count = 1;
        std::size_t current = 0;
    };
    static result_type default_answer(find_thread const&) noexcept { return {}; }
};

/// Asks for the thread whose turn it is: `async::next_thread()`.
struct take_turn {
    using result_type = std::size_t;
    static constexpr bool replayable = false;
    static std::size_t default_answer(take_turn const&) noexcept { return 0; }
};

/// How many threads run tasks: `live::run({.threads = …})`; else 1.
inline std::size_t threads(std::source_location where = std::source_location::current()) {
    return perform(find_thread{}, where).count;
}
/// On which of them this task runs, and stays: from 0, where the main task is.
inline std::size_t thread(std::source_location where = std::source_location::current()) {
    return perform(find_thread{}, where).current;
}
/// Each of them in turn.
///
///     g.spawn([job] { async::on(async::next_thread(), [&] { crunch(job); }); });
inline std::size_t next_thread(std::source_location where = std::source_location::current()) {
    return perform(take_turn{}, where);
}

/// Runs `f` as a task on a thread of this world, and suspends this task until it has ended; gives its value, or throws what it throws. `f` may
/// refer to locals. It has the handlers that are in force here (those of several threads may so be called at once: the library's are ready
/// for it) but for a `control` around it, which can't capture it. Cancelling this task cancels `f`, and waits for its end.
///
///     int sum = async::on(1, [&] { return add_up(numbers); });
///
/// Sockets, groups, channels, events, mutexes and most other things that tasks share are for the tasks of one thread: make them in `f`. A `promise`, and
/// the policies (`circuit_breaker`, `rate_limiter`, `bulkhead`, `retry_budget`) are for all. `std::out_of_range` where the world has no such thread.
template <class F>
    requires std::is_invocable_v<F&> std::invoke_result_t<F&>
    on(std::size_t thread, F&& f, std::source_location where = std::source_location::current()) {
        detail::carried_call<F> call(f);
        detail::suspension_point("async::on");
        perform(run_on_thread{thread, [&call] { call.run(); }, effects::detail::this_thread()->top}, where);
        try {
            return call.take();
        } catch (cancelled const&) {
            detail::suspension_point("async::on"); // this task's own cancellation, if that was the cause
            throw;
        }
    }

/// Runs `f` on every thread at once, and waits for all: a failure of one, or cancelling this task, cancels them all. Several threads call `f` at the same time.
///
///     live::run({.threads = 4}, [&] {
///         async::on_each_thread([&] { http::serve("0.0.0.0:8080", routes, {.reuse_port = true}); });
///     }, sql_pool);
template <class F>
    requires std::is_invocable_v<F const&>
void on_each_thread(F const& f, std::source_location where = std::source_location::current()) {
    std::size_t const count = threads(where);
    task_group([&](group& g) {
        for (std::size_t i = count; i-- > 0;) // the others' begin while this one's still can
            g.spawn([&f, i, where] { on(i, f, where); });
    });
}

} // namespace effects::async
