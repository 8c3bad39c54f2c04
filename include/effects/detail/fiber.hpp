// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <effects/detail/thread.hpp>

namespace effects::detail {

struct tool_books; // what a sanitizer must be told of a suspended computation; in src/core/switch.cpp

// A suspended computation: where it goes on, and what of the thread's state is its own. Lives on its own stack. Nothing is
// set when it is made, since one is made for each perform that captures: leaving it fills it in.
struct context {
    context() noexcept {} // NOLINT: see above

    void* stack_pointer;
    frame* top;
    frame* frames;
    fiber* running;
    void* caught_exceptions;
    unsigned uncaught_exceptions;
    tool_books* books; // where a sanitizer watches, and only there
};

struct stack {
    std::byte* top = nullptr;
    std::size_t reserved = 0; // below the top, with the guard page at the lower end
    explicit operator bool() const noexcept { return top != nullptr; }
};

inline constexpr std::size_t default_stack_size = 256 * 1024;

// An idle stack holds the address of the next one.
inline std::byte*& next_idle(std::byte* top) noexcept {
    return *reinterpret_cast<std::byte**>(top - sizeof(std::byte*));
}

stack acquire_slowly(std::size_t size);
void release_slowly(stack s) noexcept;
std::byte* lowest(stack s) noexcept; // of its bytes that may be touched

// At least `size` bytes, less what lies in its guard page; an idle one of the thread's where there is one. Throws std::bad_alloc.
[[gnu::always_inline]] inline stack acquire_stack(std::size_t size) {
    thread_state& thread = *this_thread();
    std::byte* top = thread.idle_stacks;
    if (!top || size > default_stack_size) [[unlikely]]
        return acquire_slowly(size);
    thread.idle_stacks = next_idle(top);
    --thread.idle_count;
    return {top, default_stack_size};
}

[[gnu::always_inline]] inline void release_stack(stack s) noexcept {
    thread_state& thread = *this_thread();
    if (thread.idle_count >= thread.idle_limit || s.reserved != default_stack_size) [[unlikely]]
        return release_slowly(s);
    next_idle(s.top) = thread.idle_stacks;
    thread.idle_stacks = s.top;
    ++thread.idle_count;
}

struct prompt;
struct clause_link;

// Writes a task's name into the buffer, from a signal handler, and gives its length. Whoever makes strands sets it.
using strand_namer = std::size_t(fiber const& strand, char* buffer, std::size_t size) noexcept;
extern constinit std::atomic<strand_namer*> name_of_strand;

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
    void* tsan_fiber = nullptr;     // ThreadSanitizer's books of it
    fiber* strand = nullptr;        // the task it runs in, while it runs; a task's is itself
    std::uint32_t pinned = 0;       // > 0: a task group's body or an unwinding lies on it, so it can't be captured
    bool dropped = false;           // it is being unwound
    guest* guests = nullptr;        // the innermost that lies on it
    clause_link* clauses = nullptr; // the control clauses that run on it, newest first
};

inline bool is_task(fiber const& f) noexcept { return f.strand == &f; }

// In a body that is being unwound, what would suspend throws the unwinding again (from a destructor: terminates).
// `pinned` is set meanwhile, so that the check costs nothing elsewhere.
void refuse_in_unwinding_slowly(std::string_view what);
inline void refuse_in_unwinding(std::string_view what) {
    if (this_thread()->pinned != 0) [[unlikely]]
        refuse_in_unwinding_slowly(what);
}

// The same as a question, for what can do without suspending.
bool in_unwinding_slowly() noexcept;
inline bool in_unwinding() noexcept { return this_thread()->pinned != 0 && in_unwinding_slowly(); }

// Takes out the stack of a computation that has ended, or is never continued: destroy the fiber, then release it.
void close_tsan_fiber(fiber& f) noexcept;
inline stack take_stack(fiber& f) noexcept {
    if (f.tsan_fiber) [[unlikely]]
        close_tsan_fiber(f);
    return f.memory;
}

} // namespace effects::detail
