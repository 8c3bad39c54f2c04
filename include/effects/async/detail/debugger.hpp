// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <string>

#include <effects/async/debug.hpp>
#include <effects/async/time.hpp>

namespace effects::async::detail {

class scope;
struct task_base;

// What a world in debug mode tells of its tasks, and who passes it on. A world has one, or a null pointer.
class debugger {
public:
    explicit debugger(debug_options how);
    debugger(debugger const&) = delete;
    debugger& operator=(debugger const&) = delete;
    virtual ~debugger();

    void report(debug_finding finding, task_base const& task, std::string details) noexcept;
    void report(debug_report const& r) noexcept; // from any thread

    // Around each stretch in which a task has the thread; a task that is spawned has its first one within its parent's.
    virtual void begins(task_base const&) {}
    virtual void ends(task_base const&) noexcept {}

    // When `look` has something to report; `never` when nothing is waited for.
    time_point next_due() const noexcept;
    void look(time_point now) noexcept;

    debug_options const& options() const noexcept { return how_; }

private:
    friend class watched_join;
    void push_back(class watched_join& j) noexcept;
    void remove(class watched_join& j) noexcept;

    debug_options how_;
    class watched_join* first_ = nullptr; // not reported so far, the longest wait first
    class watched_join* last_ = nullptr;
};

// A group's wait for its tasks, while it lasts.
class watched_join {
public:
    watched_join(debugger& by, task_base& waits, scope const& group) noexcept;
    watched_join(watched_join const&) = delete;
    watched_join& operator=(watched_join const&) = delete;
    ~watched_join();

private:
    friend class debugger;
    debugger& by_;
    task_base& waits_;
    scope const& group_;
    time_point due_;
    bool listed_ = false;
    watched_join* previous_ = nullptr;
    watched_join* next_ = nullptr;
};

// "orders.cpp:17", or nothing.
std::string text_of(std::source_location where);
// The beginning of the details of a swallowed cancellation.
std::string told_of_cancellation(task_base const& task, scope const& whole);
// The details of a slow task. `then` is what it waits for now ("" for nothing: it has ended), or null: it goes on.
std::string held_thread_for(duration d, char const* then);

} // namespace effects::async::detail
