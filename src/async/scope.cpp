// SPDX-License-Identifier: BSL-1.0
#include <effects/async/detail/scope.hpp>

#include <algorithm>
#include <utility>

#include <effects/async/detail/scheduler.hpp>
#include <effects/detail/prompt.hpp>

namespace effects::async::detail {

scope::scope(time_point deadline, bool shield, reason expires_as)
    : guest{&actions}, owner_(&current_task()), parent_(owner_->innermost), deadline_(deadline), shield_(shield),
      has_instant_(expires_as == reason::deadline) {
    link();
    owner_->innermost = this;
    core::thread_state& thread = *core::this_thread();
    if (thread.running != owner_) [[unlikely]] { // on the stack of a handled body
        home_ = thread.running;
        outer_guest_ = std::exchange(home_->guests, static_cast<core::guest*>(this));
        ++thread.pinned;
    }
}

scope::scope(root_tag, task_base& owner, scope* parent) noexcept : guest{&actions}, owner_(&owner), parent_(parent) {
    if (parent_) link();
    nearest_ = never; // the timers of the other tasks see to theirs
}

scope::~scope() {
    if (home_) [[unlikely]] {
        home_->guests = outer_guest_;
        --core::this_thread()->pinned;
    }
    if (owner_ && owner_->innermost == this) owner_->innermost = parent_;
    if (parent_) unlink();
}

void scope::link() noexcept {
    previous_ = parent_->last_child_;
    (previous_ ? previous_->next_ : parent_->first_child_) = this;
    parent_->last_child_ = this;
    nearest_ = std::min(deadline_, parent_->nearest_);
    if (parent_->pending_ && !shield_ && !pending_) {
        pending_ = true;
        why_ = parent_->why_;
    }
}

void scope::unlink() noexcept {
    (previous_ ? previous_->next_ : parent_->first_child_) = next_;
    (next_ ? next_->previous_ : parent_->last_child_) = previous_;
    previous_ = next_ = nullptr;
}

// ---- captured with their frames, and resumed ----

// Those from the innermost one outwards that lie on the captured stacks leave their task.
void scope::captured(core::guest& innermost, core::prompt& with) noexcept {
    core::thread_state& thread = *core::this_thread();
    auto on_captured_stack = [&](scope const& s) {
        for (core::fiber* f = thread.running;; f = f->resumer->running) {
            if (f == s.home_) return true;
            if (f == &with) return false;
        }
    };
    auto& first = static_cast<scope&>(innermost);
    scope* last = nullptr;
    for (scope* s = &first; s && s->home_ && on_captured_stack(*s); s = s->parent_) {
        last = s;
        --thread.pinned;
    }
    if (last->owner_) last->owner_->innermost = last->parent_;
    if (last->parent_) last->unlink();
    last->parent_ = nullptr;
}

void scope::resumed(core::guest& innermost) noexcept {
    auto& first = static_cast<scope&>(innermost);
    task_base* by = current_task_or_null();
    core::this_thread()->pinned += first.adopt(by);
    if (by) by->innermost = &first;
}

// From the outermost one inwards: each takes over from the one around it. Gives how many they are.
unsigned scope::adopt(task_base* by) noexcept {
    unsigned count = 1;
    if (parent_) {
        count += parent_->adopt(by);
        unlink();
    } else {
        parent_ = by ? by->innermost : nullptr;
    }
    owner_ = by;
    pending_ = cancelled_; // what cancelled the task that it was in is that one's
    if (parent_)
        link();
    else
        nearest_ = deadline_;
    return count;
}

void scope::cancel(reason why) noexcept {
    if (cancelled_) return;
    cancelled_ = true;
    spread(why);
}

// The one after `s` in the tree under this scope, in order of making; what a shield keeps off, or is cancelled already
// with all in it, is left out. A loop, as groups may nest deeper than a stack.
scope* scope::next_to_cancel(scope* s) const noexcept {
    auto first_open = [](scope* c) {
        while (c && (c->shield_ || c->pending_)) c = c->next_;
        return c;
    };
    if (scope* child = first_open(s->first_child_)) return child;
    for (; s != this; s = s->parent_)
        if (scope* sibling = first_open(s->next_)) return sibling;
    return nullptr;
}

void scope::spread(reason why) noexcept {
    if (pending_) return; // and so is all in it that no shield keeps off
    for (scope* s = this; s; s = next_to_cancel(s)) {
        s->pending_ = true;
        s->why_ = why;
        if (s->owner_ && s->owner_->innermost == s) s->owner_->home->interrupt(*s->owner_);
    }
}

void scope::cancel_through_shields(scope& innermost, reason why) noexcept {
    task_base& task = *innermost.owner_;
    for (scope* s = &innermost; s && s->owner_ == &task; s = s->parent_) {
        if (s->pending_) continue;
        s->pending_ = true;
        s->why_ = why;
    }
    task.home->interrupt(task);
}

scope& scope::cancelled_with() noexcept {
    scope* s = this;
    while (!s->shield_ && s->parent_ && s->parent_->owner_ == owner_ && s->parent_->pending_) s = s->parent_;
    return *s;
}

time_point scope::deadline() const noexcept {
    time_point earliest = never;
    for (scope const* s = this; s; s = s->parent_) {
        earliest = std::min(earliest, s->deadline_);
        if (s->shield_) break;
    }
    return earliest;
}

void scope::expire(scope& innermost, time_point now) noexcept {
    if (innermost.nearest_ > now) return;
    bool due = innermost.deadline_ <= now;
    if (due) innermost.deadline_ = never;
    bool has_outer = innermost.parent_ && innermost.parent_->owner_ == innermost.owner_;
    if (has_outer) expire(*innermost.parent_, now); // the outermost that is due gives the reason
    innermost.nearest_ = has_outer ? std::min(innermost.deadline_, innermost.parent_->nearest_) : innermost.deadline_;
    if (due) innermost.cancel(innermost.has_instant_ ? reason::deadline : reason::timed_out);
}

} // namespace effects::async::detail
