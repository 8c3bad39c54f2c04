// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/async/cancelled.hpp>
#include <effects/async/time.hpp>
#include <effects/detail/fiber.hpp>

namespace effects::async::detail {

struct task_base;

// A stretch of a task's life that can be cancelled as one: what `timeout`, `shield`, `task_group` open, and a whole
// task. They nest within a task, and through groups from task to task: a tree, each with its children in order of making.
// One that a `control` clause captured with the frames around it is out of the tree until it is resumed, in its place there.
class scope : private effects::detail::guest {
public:
    struct root_tag {};
    // Innermost of the running task. Its deadline ends it with the reason `timed_out`, or as `expires_as` says.
    explicit scope(time_point deadline = never, bool shield = false, reason expires_as = reason::timed_out);
    // A task's own; or one beside what the task does, which only tasks that are spawned into it are in.
    scope(root_tag, task_base& owner, scope* parent) noexcept;
    scope(scope const&) = delete;
    scope& operator=(scope const&) = delete;
    ~scope();

    // Cancels all in it, once: the first reason stays. Wakes tasks that wait in it.
    void cancel(reason why) noexcept;

    // Cancels all scopes of the task, and keeps off nothing: for a world that can't go on.
    static void cancel_through_shields(scope& innermost, reason why) noexcept;

    bool cancelled() const noexcept { return cancelled_; } // this very scope
    bool pending() const noexcept { return pending_; }     // this one, or one around it that no shield keeps off
    reason why() const noexcept { return why_; }
    // Of what is cancelled: was `cancelled` thrown for it?
    enum class telling : unsigned char { none, told, swallowed };
    telling told() const noexcept { return told_; }
    void set_told(telling t) noexcept { told_ = t; }
    // The outermost scope of this task that this one is cancelled with.
    scope& cancelled_with() noexcept;
    scope* parent() const noexcept { return parent_; }
    task_base* owner() const noexcept { return owner_; }
    // The earliest deadline of this task's open scopes from here outwards, shielded or not: when its timer must fire.
    time_point nearest() const noexcept { return nearest_; }
    // The earliest deadline that may end this scope: of its task and of those around it, up to a shield.
    time_point deadline() const noexcept;

    // Cancels what is due of this and the scopes around it in the same task.
    static void expire(scope& innermost, time_point now) noexcept;

private:
    static void captured(effects::detail::guest& innermost, effects::detail::prompt& with) noexcept;
    static void resumed(effects::detail::guest& innermost) noexcept;
    static constexpr effects::detail::guest::actions actions{&scope::captured, &scope::resumed};

    void link() noexcept;
    void unlink() noexcept;
    unsigned adopt(task_base* by) noexcept;
    void spread(reason why) noexcept;
    scope* next_to_cancel(scope* s) const noexcept;

    task_base* owner_;                       // null: resumed outside any task
    effects::detail::fiber* home_ = nullptr; // where it lies, if that can be captured
    effects::detail::guest* outer_guest_ = nullptr;
    scope* parent_;
    scope* first_child_ = nullptr;
    scope* last_child_ = nullptr;
    scope* previous_ = nullptr;
    scope* next_ = nullptr;
    time_point deadline_ = never;
    time_point nearest_ = never;
    reason why_ = reason::requested;
    bool shield_ = false;
    bool has_instant_ = false; // its deadline is a given instant, not the end of a time limit
    bool cancelled_ = false;
    bool pending_ = false;
    telling told_ = telling::none;
};

} // namespace effects::async::detail
