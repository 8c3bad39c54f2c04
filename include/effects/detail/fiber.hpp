// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <effects/detail/thread.hpp>

namespace effects::detail {

// A suspended computation: where it goes on, and what of the thread's state is its own. Lives on its own stack.
struct context {
    void* stack_pointer = nullptr;
    frame* top = nullptr;
    frame* frames = nullptr;
    fiber* running = nullptr;
    void* caught_exceptions = nullptr;
    unsigned uncaught_exceptions = 0;
    // For AddressSanitizer and ThreadSanitizer; unused without them.
    void const* stack_bottom = nullptr;
    std::size_t stack_size = 0;
    void* fake_stack = nullptr;
    void* tsan_fiber = nullptr;
};

struct stack {
    std::byte* bottom = nullptr; // lowest usable address; a guard page lies below
    std::byte* top = nullptr;
    std::size_t reserved = 0;   // the whole block, guard included
    void* tsan_fiber = nullptr; // ThreadSanitizer's books, while something runs on it
    explicit operator bool() const noexcept { return top != nullptr; }
};

inline constexpr std::size_t default_stack_size = 256 * 1024;

stack acquire_stack(std::size_t size); // throws std::bad_alloc
void release_stack(stack s) noexcept;

struct prompt;
class running_clause;

// Something that lies on a stack and is linked with what lies further out (a cancel scope of the async layer): told when its
// stack is captured, and when it is resumed, maybe elsewhere. Whoever makes one counts it in the thread's `pinned`.
struct guest {
    struct actions {
        void (*captured)(guest& innermost, prompt& with) noexcept;
        void (*resumed)(guest& innermost) noexcept;
    };
    actions const* does;
};

// A computation on a stack of its own: a handled body whose clauses capture, or a task. Lies at that stack's top.
struct fiber {
    using function = void (*)(fiber*) noexcept;

    context* resumer = nullptr; // who waits for it to suspend or to end; set while it runs
    function run = nullptr;     // its whole life; returns at its end
    stack memory;
    fiber* strand = nullptr;           // the task it runs in, while it runs
    std::uint32_t pinned = 0;          // > 0: a task group's body or an unwinding lies on it, so it can't be captured
    bool dropped = false;              // it is being unwound
    guest* guests = nullptr;           // the innermost that lies on it
    running_clause* clauses = nullptr; // the control clauses that run on it, newest first
};

// The one switch site: leaves the running computation in `from`, goes on with `to`; returns when somebody switches
// to `from`, on whichever thread that is.
void switch_to(context& from, context& to) noexcept;

// Runs `f.run` on its stack, from `below` downwards; returns when it suspends or ends.
void start_on_stack(fiber& f, std::byte* below, context& from, frame* top, frame* frames) noexcept;

// The last switch of a stack, which goes to f.resumer.
[[noreturn]] void leave_stack(fiber& f) noexcept;

// In a body that is being unwound, what would suspend throws the unwinding again (from a destructor: terminates).
// `pinned` is set meanwhile, so that the check costs nothing elsewhere.
void refuse_in_unwinding_slowly(std::string_view what);
inline void refuse_in_unwinding(std::string_view what) {
    if (this_thread()->pinned != 0) [[unlikely]]
        refuse_in_unwinding_slowly(what);
}

// Closes the tools' books of a computation that is never continued.
void abandon(context& suspended) noexcept;

// Gives a stack back whose computation has ended, or is never continued.
void discard_stack(stack s) noexcept;

} // namespace effects::detail
