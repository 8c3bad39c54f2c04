// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>

#include <effects/detail/frame.hpp>

namespace effects::detail {

struct fiber;

// What the library knows of the running thread. All zero but `top` when a thread starts.
struct thread_state {
    frame* top;           // innermost handler in force
    frame* frames;        // newest frame that lies on the running stack
    fiber* running;       // the running stack; null: the thread's own
    fiber* strand;        // the task that the stack belongs to; null: none
    std::uint32_t pinned; // stacks of this strand that must not be captured (see fiber::pinned)
    std::uint64_t next_stamp;
    std::uint64_t last_stamp;
    void* exception_globals; // of __cxa_get_globals, whose address is fixed for a thread
    fiber* starting;         // handed to a new stack's first function
    void* task;              // the scheduler's own
    std::byte* idle_stacks;  // of the default size, ready to be used again
    std::uint32_t idle_count;
    std::uint32_t idle_limit; // at which release_stack stops adding to them by itself; 0: at once
    // What the last search tells the answer that it found, and which is called next.
    std::source_location performed_at;
    std::size_t masked; // handlers to be skipped beyond the multishot body that is left
};

extern "C" {
extern thread_local constinit thread_state effects_thread_state __attribute__((tls_model("initial-exec")));
}

// A task may wake on another thread, and compilers keep thread_local addresses over a call that switches stacks. So
// the address is computed anew each time, by an instruction that they must not move or merge.
[[gnu::always_inline]] inline thread_state* this_thread() noexcept {
#if defined(__x86_64__) && defined(__linux__)
    thread_state* state;
    asm volatile("movq %%fs:0, %0\n\taddq effects_thread_state@gottpoff(%%rip), %0" : "=r"(state) : : "cc");
    return state;
#else
    extern thread_state* this_thread_out_of_line() noexcept;
    return this_thread_out_of_line();
#endif
}

void refill_stamps(thread_state& thread) noexcept;

[[gnu::always_inline]] inline std::uint64_t new_stamp(thread_state& thread) noexcept {
    if (thread.next_stamp == thread.last_stamp) [[unlikely]]
        refill_stamps(thread);
    return thread.next_stamp++;
}

} // namespace effects::detail
