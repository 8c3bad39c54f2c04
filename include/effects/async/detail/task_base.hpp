// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include <effects/async/detail/scope.hpp>
#include <effects/detail/fiber.hpp>

namespace effects::async {
class group;
class must_not_suspend;
} // namespace effects::async

namespace effects::async::detail {

class scheduler;
class waiter;
namespace core = effects::detail;

// Where the children of a task come from, for their paths. Made with the first child; outlives the task as long as they do.
struct lineage {
    lineage* parent;
    std::string word;
    std::uint64_t number;
    std::uint64_t children = 0;
    std::uint32_t holders = 1;
    std::vector<std::string> names = {}; // of children, that their paths have as they are: a few of them

    bool takes(std::string const& name);
};

// A task: a computation on a stack of its own that a scheduler runs and that parks where it waits. Lies at the top of
// that stack, with its function and arguments, until the scheduler has seen it end.
struct task_base : core::fiber {
    task_base(scheduler& home_, task_base* parent, scope* outer);
    task_base(task_base const&) = delete;
    task_base& operator=(task_base const&) = delete;
    ~task_base();

    enum class state_type : unsigned char { fresh, ready, running, parked, ended };

    scheduler* home;
    core::context* parked_at = nullptr;
    core::frame* top = nullptr; // the handlers that it starts with
    std::uint32_t pinned_count = 0;
    state_type state = state_type::fresh;
    bool interruptible = false;              // parked where a cancellation may wake it
    bool by_loop = false;                    // `resumer` is a scheduler's `run`, not the task that spawned it
    bool daemon = false;                     // its group does not wait for it
    must_not_suspend const* holds = nullptr; // the innermost that it has
    scope* innermost;                        // its open scopes, ending with `whole`
    scope whole;
    void (*destroy)(task_base*) noexcept = nullptr; // with its stack

    // What it waits for, for reports: a primitive's word and address.
    char const* waits_for = nullptr;
    void const* waits_on = nullptr;
    time_point wakes_at = never;
    char cancelled_in[40] = {}; // where `cancelled` was thrown last
    waiter* waits_in =
        nullptr; // taken out of its list when a cancellation wakes the task: what comes then is for others

    // What failed besides, when a group of this task threw last.
    struct failures {
        std::exception_ptr thrown;
        std::vector<std::exception_ptr> others;
    };
    std::unique_ptr<failures> suppressed;

    // The scheduler's own.
    task_base* next_ready = nullptr;
    std::size_t timer_index = no_timer;
    task_base* previous_task = nullptr; // all living tasks of the scheduler
    task_base* next_task = nullptr;

    static constexpr std::size_t no_timer = static_cast<std::size_t>(-1);

    void be_called(std::string given);
    std::source_location spawned_at{}; // where that is known
    std::uint64_t number = 0;          // among its parent's children, from 1; the main task: 0
    std::uint64_t draws = 0;           // of random numbers that it has made
    std::uint64_t const serial;        // unlike an address, no other task's, in the whole process
    // "main/2/1", with names where given ("main/reader", and of another one of that name "main/reader#3"): no other living task's,
    // and the same in every run.
    std::string path() const;
    // A number made of the seed and its place in the tree of tasks, whatever the names are.
    std::uint64_t place(std::uint64_t seed) const noexcept;
    // A random number of its own sequence, the same in every run of a simulated world with one seed.
    std::uint64_t draw() noexcept;

private:
    friend std::size_t write_path(core::fiber const& strand, char* buffer, std::size_t size) noexcept;
    lineage& as_parent();
    std::string word() const;

    std::string name_; // given, or empty
    bool shows_number_ = false;
    lineage* from_ = nullptr; // its parent's; null: the main task
    lineage* own_ = nullptr;  // once it has children
};

// The same, for a signal handler: into the buffer, as far as it goes.
std::size_t write_path(core::fiber const& strand, char* buffer, std::size_t size) noexcept;

// When a world's main task has ended: for who called its `run`.
void keep_suppressed(std::unique_ptr<task_base::failures> of_main) noexcept;

// A stack for a child of the running task; `size`: as its spawn_options say, 0: the world's.
core::stack acquire_task_stack(std::size_t size);

inline task_base* current_task_or_null() noexcept { return static_cast<task_base*>(core::this_thread()->task); }
// The running task; throws std::logic_error that says to use a world's run where there is none.
[[noreturn, gnu::cold]] void throw_no_task_runs();
inline task_base& current_task() {
    task_base* task = current_task_or_null();
    if (!task) [[unlikely]]
        throw_no_task_runs();
    return *task;
}

// Ends what is overdue among the task's scopes, then throws `cancelled` if it is.
void throw_if_overdue(task_base& task, char const* in);
[[noreturn, gnu::cold]] void throw_cancelled(task_base& task, char const* in);
// For who catches `cancelled` and goes on, in good order: a later suspension point throws it again.
void put_back_cancellation(task_base& task) noexcept;
// Throws std::logic_error, and tells debug mode, where the task has a `must_not_suspend`.
[[noreturn, gnu::cold]] void throw_must_not_suspend(task_base& task, char const* in);
// The same beforehand, for what can't be left once it has begun.
inline void refuse_what_waits(task_base& task, char const* in) {
    if (task.holds) [[unlikely]]
        throw_must_not_suspend(task, in);
}

// Throws `cancelled` if the running task is. `in` is said where it leaves a destructor, which ends the program.
inline void throw_if_cancelled(task_base& task, char const* in = "a suspension point") {
    if (task.innermost->pending()) [[unlikely]]
        throw_cancelled(task, in);
    if (task.innermost->nearest() != never) throw_if_overdue(task, in);
}

// What every call begins with that may suspend: it throws if the task is cancelled, whether or not it then has to wait. (Outside a
// task there is nothing to cancel.)
inline void suspension_point(char const* in = "a suspension point") {
    if (task_base* task = current_task_or_null()) throw_if_cancelled(*task, in);
}

} // namespace effects::async::detail
