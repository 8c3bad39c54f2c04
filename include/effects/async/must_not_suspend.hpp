// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <source_location>

namespace effects::detail {
struct fiber;
}

namespace effects::async {

namespace detail {
struct task_base;
}

/// While one lives, the task that made it must not suspend, since it holds what belongs to its thread: a lock (see `thread_lock`), a
/// reference to a `thread_local`. A wait throws std::logic_error, which says where both are, instead of letting other tasks run:
///
///     connection& mine = this_threads_connection();       // a thread_local
///     async::must_not_suspend const here("the thread's connection");
///     mine.send(text);                                    // throws if it waits
///
/// Waits that can't be left, such as a group's for its tasks, go on; debug mode reports them, as all the others
/// (`debug_finding::lock_over_suspension`). A task group is not even opened. In a body that a `control` clause outside would capture,
/// performing that is refused, as it is in a task group. Nothing else is seen: not a plain `std::lock_guard`, and no `thread_local` whose
/// user does not say so. Outside any task it does nothing.
///
/// Lies on the stack; the innermost goes first.
class must_not_suspend {
public:
    /// `what` is held, for messages; it is not copied.
    explicit must_not_suspend(char const* what = "what must not suspend",
                              std::source_location where = std::source_location::current()) noexcept;
    must_not_suspend(must_not_suspend const&) = delete;
    must_not_suspend& operator=(must_not_suspend const&) = delete;
    ~must_not_suspend();

    char const* what() const noexcept { return what_; }
    std::source_location where() const noexcept { return where_; }

private:
    char const* what_;
    std::source_location where_;
    detail::task_base* task_; // null outside any
    effects::detail::fiber* pinned_ = nullptr;
    must_not_suspend const* outer_ = nullptr;
};

} // namespace effects::async
