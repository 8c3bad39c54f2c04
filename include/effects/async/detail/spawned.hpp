// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <optional>
#include <tuple>

#include <effects/async/detail/task_base.hpp>
#include <effects/async/task.hpp>
#include <effects/detail/handled.hpp>

namespace effects::async::detail {

// What became of a task, for its group.
struct ending {
    std::exception_ptr error = {};
    bool cut_short = false; // by its cancellation
    bool given_up = false;  // `error` unwinds a body that the task is part of: for the group, and for nobody else
};

// For debug mode: a task that was told of its cancellation, and ended as if it were not.
[[gnu::cold]] void tell_of_swallowed(task_base& self) noexcept;
inline void look_at_end(task_base& self, ending const& how) noexcept {
    if (self.whole.told() == scope::telling::told && !how.error && !how.cut_short) [[unlikely]]
        tell_of_swallowed(self);
}

// A task with its function and arguments, at the top of its stack, and what its `task<Result>` holds. (Bodies in group.hpp.)
template <class Result, class F, class... Args>
struct spawned final : task_base {
    spawned(group& g, task_result_of<Result>& r, auto&& f, auto&&... args);

    static void run_it(core::fiber* f) noexcept;
    static void destroy_it(task_base* t) noexcept;

    group& owner;
    task_result_of<Result>& result;
    std::optional<std::tuple<F, Args...>> call;
};

// A task without a `task<T>`: the library's own, which keep their results themselves.
template <class F>
struct forked final : task_base {
    forked(group& g, F&& f);

    static void run_it(core::fiber* f) noexcept;
    static void destroy_it(task_base* t) noexcept;

    group& owner;
    std::optional<F> call;
};

// Calls `f` as a task's whole life. A `cancelled` that leaves a task that is not cancelled is somebody's own: an error like others.
template <class F>
ending run_to_the_end(task_base& self, F&& f) noexcept {
    try {
        f();
    } catch (cancelled const&) {
        if (self.whole.pending()) return {{}, true};
        return {std::current_exception()};
    } catch (core::unwinding const&) {
        return {std::current_exception(), false, true};
    } catch (error& e) {
        core::mark_shared(e, core::sharing::by_tasks); // of the group and of who holds the task
        return {std::current_exception()};
    } catch (...) {
        return {std::current_exception()};
    }
    return {};
}

} // namespace effects::async::detail
