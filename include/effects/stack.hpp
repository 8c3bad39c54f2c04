// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iosfwd>

namespace effects {

/// Whose stack something runs on: the thread's own, that of a task, or that of a body which a `handle` with a `control` clause runs.
enum class stack_owner : unsigned char { thread, task, body };

/// How full a stack is, in bytes. `used` is what the caller and all that called it on this stack take; `touched` is the most that
/// any page of it was used for since the system gave out its memory: stacks are used again, so an earlier owner's
/// high-water mark shows too, until `trim_stacks`.
struct stack_use {
    stack_owner owner = stack_owner::thread;
    std::size_t size = 0; ///< to be had in all; the guard page is not counted
    std::size_t used = 0;
    std::size_t touched = 0;

    std::size_t left() const noexcept { return size - used; }
    friend bool operator==(stack_use const&, stack_use const&) = default;
};

/// "the stack of a task: 2 KiB of 252 KiB in use, 12 KiB touched"
std::ostream& operator<<(std::ostream& out, stack_use const& use);

/// Measures the stack that the caller runs on, to find what `stack_size` should say:
///
///     log("parsed, stack high-water mark " + std::to_string(effects::stack_usage().touched));
///
/// `touched` is counted by the page, by asking the system which of them are in memory (`mincore`): about a microsecond for
/// 256 KiB, and as much again for each further MiB or so. Pages that were swapped out do not count. On the thread's own stack
/// `size` is what `pthread_getattr_np` says, which for the main thread is the limit in force (`ulimit -s`); all zero
/// where the system does not say.
stack_use stack_usage() noexcept;

/// The bytes left on the stack that the caller runs on, for a recursion that wants to stop in time. A few nanoseconds; no system call
/// but for the first one on a thread's own stack.
std::size_t stack_left() noexcept;

/// Gives the memory of idle stacks back to the system, and tells how many bytes that were: those that the calling thread keeps for its
/// next bodies and tasks, and those that no thread holds, with their address space where a whole slab (64 stacks) is idle. For
/// after a peak.
///
/// Without it a thread keeps at most 256 stacks of the default size (256 KiB) as they are, each with the memory that was touched, and all
/// threads together 1,024 more, for whoever needs them; what is released beyond that gives its memory back at once, as does what a
/// thread keeps when it ends. Larger stacks are not kept at all. Other threads keep theirs: call it there.
///
/// A few system calls for each idle stack; the next bodies pay for fresh pages.
std::size_t trim_stacks() noexcept;

} // namespace effects
