// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include <effects/async/detail/task_base.hpp>
#include <effects/async/scheduler.hpp>
#include <effects/operation.hpp>

namespace effects::async::detail {

class debugger;

// What all worlds' schedulers share: tasks, timers, parking and continuing. A world derives from it, says what time it is
// and which ready task comes next, and runs the loop. One thread's; only `post` may be called from others.
class scheduler {
public:
    using operations = effects::operations<suspend, spawn>;

    scheduler();
    scheduler(scheduler const&) = delete;
    scheduler& operator=(scheduler const&) = delete;
    virtual ~scheduler();

    // ---- for the primitives ----
    virtual time_point now() noexcept = 0;
    // Counts a `cancelled` that is thrown as one step of the run; true where there are too many.
    virtual bool over_budget() noexcept { return false; }
    // From any thread: runs `f` soon, on this scheduler's thread, outside any task. `f` does not throw.
    virtual void post(std::function<void()> f) = 0;
    // Of the random numbers that jitter is drawn from; a simulated world sets its own.
    std::uint64_t jitter_seed() const noexcept { return jitter_seed_; }
    void seed_jitter(std::uint64_t seed) noexcept { jitter_seed_ = seed; }
    // Of its tasks, where their spawn_options don't say.
    std::size_t stack_size() const noexcept { return stack_size_; }
    void set_stack_size(std::size_t bytes) noexcept { stack_size_ = bytes; }
    // In debug mode, else null; the world's.
    debugger* debugging() const noexcept { return debugger_; }
    void set_debugger(debugger* d) noexcept { debugger_ = d; }
    // Parked tasks only; the others are ready anyway.
    void wake(task_base& task) noexcept;
    void interrupt(task_base& task) noexcept; // wakes it if a cancellation may

    // ---- the operations ----
    void operator()(suspend const& op);
    void operator()(spawn const& op);

    // ---- for worlds ----
    void run(task_base& task);   // until it parks or ends, and those of `next_to_run`; an ended one is destroyed
    void start(task_base& task); // its first time; from a task or from the loop
    // The same in debug mode, which is told of it; a world's `next_to_run` gives it none to go on with.
    void run_watched(task_base& task);
    void start_watched(task_base& task);
    task_base* first_task() const noexcept { return first_task_; }
    std::size_t tasks() const noexcept { return task_count_; }
    // The next timer's instant; `never` without one. Entries that nobody waits for any more are dropped on the way.
    time_point next_timer() noexcept;
    // Wakes what is due at `now()`.
    void fire_timers() noexcept;

    void adopt(task_base& task) noexcept; // by task_base's constructor
    void release(task_base& task) noexcept;

protected:
    // Takes a task that has become ready.
    virtual void enqueue(task_base& task) noexcept = 0;
    // Takes out the ready task that is to run now that one has parked; null: what called `run` goes on.
    virtual task_base* next_to_run() noexcept { return nullptr; }

private:
    struct timer {
        time_point at;
        std::uint64_t order; // ties fire in the order in which they were set
        task_base* task;
        bool before(timer const& other) const noexcept { return at != other.at ? at < other.at : order < other.order; }
    };

    void park(task_base& task, core::thread_state& thread) noexcept;
    task_base& resume(task_base& task);
    void enter(task_base& task);
    void arm(task_base& task, time_point at);
    void disarm(task_base& task) noexcept;
    void place(std::size_t i, timer t) noexcept;
    void sift_up(std::size_t i, timer t) noexcept;
    void sift_down(std::size_t i, timer t) noexcept;

    std::vector<timer>
        timers_; // a heap with four children a node; each task has one entry at most, never later than what it waits for
    std::uint64_t timer_order_ = 0;
    std::uint64_t jitter_seed_ = 0;
    std::size_t stack_size_ = core::default_stack_size;
    task_base* first_task_ = nullptr;
    std::size_t task_count_ = 0;
    debugger* debugger_ = nullptr;

    // All of the process, for debuggers: share/gdb/effects.py goes through them.
    static scheduler* newest_;
    scheduler* older_ = nullptr;
    scheduler* newer_ = nullptr;
};

// A line for each living task, in the order in which they were made: "\n    main/2 waits in channel::receive".
std::string describe_tasks(scheduler const& of);
// Those that a group waits for: "main/1 waits in sleep for a time; main/2 waits in mutex::lock, held by main/1".
std::string describe_group(scheduler const& of, scope const& group);
// `async::dump`, from outside of a task.
void dump_tasks(std::ostream& out, scheduler const& of);

} // namespace effects::async::detail
