// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/context/detail/fcontext.hpp>

#include <effects/detail/fiber.hpp>

// The one switch site. It is inline because of the processor, which predicts where a function returns to from the calls it
// has seen: a switch in a function of its own, left on another stack than it was entered on, makes that return and those
// after it go wrong, at three times the price of the switch.

namespace effects::detail {

// What is behind __cxa_get_globals in the Itanium C++ ABI (2.2.2): the exceptions being handled, and the number of those
// in flight. They belong to a stack, not to a thread.
struct exception_globals {
    void* caught;
    unsigned uncaught;
};

// Looks up the thread's, and remembers them there, unless a sanitizer watches: its books are kept out of line, where
// nobody remembers, so that one test decides both.
exception_globals& find_exception_globals(thread_state& thread) noexcept;

inline exception_globals* known_exception_globals(thread_state const& thread) noexcept {
    return static_cast<exception_globals*>(thread.exception_globals);
}

// Jumps as a call would, but for the processor's list of return addresses, on which a call would leave an entry that
// nothing returns to.
[[gnu::always_inline]] inline boost::context::detail::transfer_t jump(void* to, void* carried) noexcept {
#if defined(__x86_64__) && defined(__linux__) && !defined(__SHSTK__)
    void* from; // in registers: AddressSanitizer would mark a variable in memory, where the caller has told it not to
    void* brought;
    // 128: what a function may use below its stack pointer (System V ABI, 3.2.2).
    asm volatile("leaq -128(%%rsp), %%rsp\n\t"
                 "leaq 1f(%%rip), %%rcx\n\t"
                 "pushq %%rcx\n\t"
                 "jmp *jump_fcontext@GOTPCREL(%%rip)\n"
                 "1:\n\t"
                 "leaq 128(%%rsp), %%rsp"
                 : "=a"(from), "=d"(brought), "+D"(to), "+S"(carried)
                 :
                 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                   "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
#ifdef __AVX512F__
                   "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26",
                   "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7",
#endif
                   "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
    return {from, brought};
#else
    return boost::context::detail::jump_fcontext(to, carried);
#endif
}

// One by one: compilers like to copy neighbours as a pair, and the load of a pair has to wait for both of the stores that
// have just made it.
template <class T>
[[gnu::always_inline]] inline void copy(T& to, T from) noexcept {
    asm("" : "+r"(from));
    to = from;
}

[[gnu::always_inline]] inline void save(context& here, thread_state const& thread,
                                        exception_globals const& exceptions) noexcept {
    copy(here.top, thread.top);
    copy(here.frames, thread.frames);
    copy(here.running, thread.running);
    copy(here.caught_exceptions, exceptions.caught);
    copy(here.uncaught_exceptions, exceptions.uncaught);
}

// Somebody has come back to `here`, on whichever thread, and `transfer` says from where.
[[gnu::always_inline]] inline void restore(context const& here, boost::context::detail::transfer_t transfer) noexcept {
    if (auto* left = static_cast<context*>(transfer.data)) left->stack_pointer = transfer.fctx;
    thread_state& thread = *this_thread();
    copy(thread.top, here.top);
    copy(thread.frames, here.frames);
    copy(thread.running, here.running);
    exception_globals* known = known_exception_globals(thread);
    exception_globals& exceptions = known ? *known : find_exception_globals(thread);
    copy(exceptions.caught, here.caught_exceptions);
    copy(exceptions.uncaught, here.uncaught_exceptions);
}

void switch_slowly(context& from, context& to) noexcept;
void start_slowly(fiber& f, std::byte* below, context& from, frame* top, frame* frames) noexcept;

// Where a new stack begins. It tells unwinders (debuggers, profilers, backtrace()) how to go on in whoever resumed the fiber last; how far
// that one's stack pointer was off when it left depends on how it jumped.
extern "C" {
void effects_fiber_entry(boost::context::detail::transfer_t transfer) noexcept;
void effects_fiber_entry_called(boost::context::detail::transfer_t transfer) noexcept;
}
#if defined(__SHSTK__)
inline constexpr auto* fiber_entry = &effects_fiber_entry_called;
#else
inline constexpr auto* fiber_entry = &effects_fiber_entry;
#endif

// Leaves the running computation in `from`, goes on with `to`; returns when somebody switches to `from`, on whichever
// thread that is.
[[gnu::always_inline]] inline void switch_to(thread_state& thread, context& from, context& to) noexcept {
    exception_globals* exceptions = known_exception_globals(thread);
    if (!exceptions) [[unlikely]]
        return switch_slowly(from, to);
    save(from, thread, *exceptions);
    restore(from, jump(to.stack_pointer, &from));
}

// Runs `f.run` on its stack, from `below` downwards; returns when it suspends or ends.
[[gnu::always_inline]] inline void start_on_stack(fiber& f, std::byte* below, context& from, frame* top,
                                                  frame* frames) noexcept {
    thread_state& thread = *this_thread();
    exception_globals* exceptions = known_exception_globals(thread);
    if (!exceptions) [[unlikely]]
        return start_slowly(f, below, from, top, frames);
    void* first = boost::context::detail::make_fcontext(below, f.memory.reserved, fiber_entry);
    save(from, thread, *exceptions);
    thread.starting = &f;
    thread.top = top;
    thread.frames = frames;
    thread.running = &f;
    *exceptions = {nullptr, 0};
    f.resumer = &from;
    restore(from, jump(first, &from));
}

// Closes the tools' books of a computation that is never continued.
void abandon(context& suspended) noexcept;

} // namespace effects::detail
