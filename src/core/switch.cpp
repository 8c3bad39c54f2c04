// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/switch.hpp>

#include <cxxabi.h>

#include <cstddef>
#include <utility>

#include <boost/context/detail/fcontext.hpp>

#include "overflow.hpp"

// The tools' own functions, present only in a program that is built with the tool: so that one build of this library
// serves programs with and without.
extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack, void const* bottom, std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack, void const** bottom, std::size_t* size);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fiber);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}

// Code that runs while one stack is being exchanged for another must not keep a tool's books itself.
// Spelled, and placed after [[…]], so that g++ and clang both take it.
#define EFFECTS_UNINSTRUMENTED __attribute__((no_sanitize("address"), no_sanitize("thread")))

namespace effects::detail {

namespace bc = boost::context::detail;

// Lies on the stack that it speaks of, in the function that leaves it, and so for as long as the computation is suspended.
struct tool_books {
    void const* stack_bottom = nullptr;
    std::size_t stack_size = 0;
    void* fake_stack = nullptr;
    void* tsan_fiber = nullptr;
};

namespace {

[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void before_switch(void** fake_stack, context const& to) noexcept {
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(fake_stack, to.books->stack_bottom, to.books->stack_size);
    if (__tsan_switch_to_fiber) __tsan_switch_to_fiber(to.books->tsan_fiber, 0);
}

// `came_from` is the computation that was left: the sanitizer tells its stack's bounds only now. Null: it is left for good.
[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void after_switch(void* fake_stack, context* came_from) noexcept {
    if (!__sanitizer_finish_switch_fiber) return;
    void const* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
    if (came_from) {
        came_from->books->stack_bottom = bottom;
        came_from->books->stack_size = size;
    }
}

// As in the header, but kept out of the tools' sight.
[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void leave(context& here, tool_books& books,
                                                                thread_state& thread) noexcept {
    here.top = thread.top;
    here.frames = thread.frames;
    here.running = thread.running;
    exception_globals& exceptions = find_exception_globals(thread);
    here.caught_exceptions = exceptions.caught;
    here.uncaught_exceptions = exceptions.uncaught;
    here.books = &books;
    if (__tsan_get_current_fiber) books.tsan_fiber = __tsan_get_current_fiber();
}

[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void come_back(context& here, bc::transfer_t transfer) noexcept {
    auto* came_from = static_cast<context*>(transfer.data);
    if (came_from) came_from->stack_pointer = transfer.fctx;
    after_switch(here.books->fake_stack, came_from);
    thread_state& thread = *this_thread();
    thread.top = here.top;
    thread.frames = here.frames;
    thread.running = here.running;
    exception_globals& exceptions = find_exception_globals(thread);
    exceptions.caught = here.caught_exceptions;
    exceptions.uncaught = here.uncaught_exceptions;
}

// The last switch of a stack.
[[noreturn, gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void leave_stack(fiber& f) noexcept {
    context& to = *f.resumer;
    before_switch(nullptr, to);
    jump(to.stack_pointer, nullptr);
    __builtin_unreachable();
}

} // namespace

[[gnu::noinline]] EFFECTS_UNINSTRUMENTED exception_globals& find_exception_globals(thread_state& thread) noexcept {
    void* found = thread.exception_globals;
    if (!found) {
        found = abi::__cxa_get_globals();
        if (!__sanitizer_start_switch_fiber && !__tsan_switch_to_fiber) {
            thread.exception_globals = found;
            watch_for_overflow(); // this thread may never make a stack, and only resume what others have made
        }
    }
    return *static_cast<exception_globals*>(found);
}

// Whatever is thrown ends here at the latest: unwinders that look for a handler never get to the resumer.
extern "C" {
[[gnu::used, gnu::visibility("hidden")]] EFFECTS_UNINSTRUMENTED void
effects_first_function(bc::transfer_t transfer) noexcept {
    auto* came_from = static_cast<context*>(transfer.data);
    came_from->stack_pointer = transfer.fctx;
    after_switch(nullptr, came_from);
    fiber* self = this_thread()->starting;
    self->run(self);
    leave_stack(*self);
}
}

#if defined(__x86_64__) && defined(__linux__)
static_assert(offsetof(thread_state, starting) == 64 && offsetof(fiber, resumer) == 0 &&
                  offsetof(context, stack_pointer) == 0,
              "the assembly below knows these");

// The frame below effects_first_function: the fiber's address, and above it a zero, the return address of nobody. Its caller is
// the resumer, as jump_fcontext has saved it (Boost's jump_x86_64_sysv_elf_gas.S): at the saved stack pointer
//
//     16 r12, 24 r13, 32 r14, 40 r15, 48 rbx, 56 rbp, 64 the place to return to
//
// Each register's rule begins with the same expression, which gives that stack pointer:
//
//     breg7 0, deref, deref, dup, deref        the context at which the resumer waits, and the stack pointer in it
//     dup, rot, minus, lit20, shr, bra         a context lies on its own stack, little above: else it is being written,
//     skip, drop, breg7 -56                    and what is taken for saved has the zero to return to, so that all ends
//
// (AddressSanitizer's detect_stack_use_after_return keeps contexts elsewhere: with it all ends there, too.)
//
// The order of pushes and the jump in place of a call are for the processor: see switch.hpp. A "signal frame", since only
// of those do debuggers believe that what is further out may lie at lower addresses, on another stack.
asm(R"(
    .macro effects_saved reg:req at:req
    .cfi_escape 0x10, \reg, 22, 0x77,0, 6, 6, 0x12, 6, 0x12, 0x17, 0x1c, 0x44, 0x25, 0x28,3,0, 0x2f,3,0, 0x13, 0x77,0x48, 0x23,\at
    .endm
    .macro effects_entry name:req
    .globl \name
    .type \name, @function
    .p2align 4
\name:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_undefined rip
    .byte 0xf3, 0x0f, 0x1e, 0xfa # endbr64, which does nothing where it is not looked for
    movq %fs:0, %rax
    addq effects_thread_state@gottpoff(%rip), %rax
    movq 64(%rax), %rax
    movq $0, (%rsp)
    pushq %rax
    .cfi_adjust_cfa_offset 8
    leaq 1f(%rip), %rax
    pushq %rax
    jmp effects_first_function
    effects_saved 12, 16
    effects_saved 13, 24
    effects_saved 14, 32
    effects_saved 15, 40
    effects_saved 3, 48
    effects_saved 6, 56
    effects_saved 16, 64
    effects_resumer_\name
    nop
1:
    ud2
    .cfi_endproc
    .size \name, . - \name
    .endm
    # The resumer's stack pointer when it has returned, and 128 bytes more where it had stepped over its red zone.
    .macro effects_resumer_effects_fiber_entry
    .cfi_escape 0x0f, 23, 0x77,0, 6, 6, 0x12, 6, 0x12, 0x17, 0x1c, 0x44, 0x25, 0x28,3,0, 0x2f,3,0, 0x13, 0x77,0x48, 0x23,0xc8,1
    .endm
    .macro effects_resumer_effects_fiber_entry_called
    .cfi_escape 0x0f, 22, 0x77,0, 6, 6, 0x12, 6, 0x12, 0x17, 0x1c, 0x44, 0x25, 0x28,3,0, 0x2f,3,0, 0x13, 0x77,0x48, 0x23,0x48
    .endm

    .pushsection .text.effects_fiber_entry, "ax", @progbits
    effects_entry effects_fiber_entry
    effects_entry effects_fiber_entry_called
    .popsection
)");
#else
extern "C" {
void effects_fiber_entry(bc::transfer_t transfer) noexcept { effects_first_function(transfer); }
void effects_fiber_entry_called(bc::transfer_t transfer) noexcept { effects_first_function(transfer); }
}
#endif

[[gnu::noinline]] EFFECTS_UNINSTRUMENTED void switch_slowly(context& from, context& to) noexcept {
    tool_books books;
    leave(from, books, *this_thread());
    before_switch(&books.fake_stack, to);
    come_back(from, jump(to.stack_pointer, &from));
}

[[gnu::noinline]] EFFECTS_UNINSTRUMENTED void start_slowly(fiber& f, std::byte* below, context& from, frame* top,
                                                           frame* frames) noexcept {
    if (__tsan_create_fiber) f.tsan_fiber = __tsan_create_fiber(0);
    tool_books first_books;
    first_books.stack_bottom = lowest(f.memory);
    first_books.stack_size = static_cast<std::size_t>(f.memory.top - lowest(f.memory));
    first_books.tsan_fiber = f.tsan_fiber;
    context first;
    first.books = &first_books;
    first.stack_pointer = bc::make_fcontext(below, f.memory.reserved, fiber_entry);

    thread_state& thread = *this_thread();
    tool_books books;
    leave(from, books, thread);
    thread.starting = &f;
    thread.top = top;
    thread.frames = frames;
    thread.running = &f;
    find_exception_globals(thread) = {nullptr, 0};
    f.resumer = &from;
    before_switch(&books.fake_stack, first);
    come_back(from, jump(first.stack_pointer, &from));
}

// AddressSanitizer frees a fake stack (detect_stack_use_after_return) only when the running computation leaves it for
// good: so switch to it, in the books alone, and leave it.
[[gnu::noinline]] EFFECTS_UNINSTRUMENTED void abandon(context& suspended) noexcept {
    if (!__sanitizer_start_switch_fiber || !suspended.books->fake_stack) return;
    void* mine = nullptr;
    void const* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_start_switch_fiber(&mine, suspended.books->stack_bottom, suspended.books->stack_size);
    __sanitizer_finish_switch_fiber(suspended.books->fake_stack, &bottom, &size);
    __sanitizer_start_switch_fiber(nullptr, bottom, size);
    __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
}

void close_tsan_fiber(fiber& f) noexcept {
    if (__tsan_destroy_fiber) __tsan_destroy_fiber(std::exchange(f.tsan_fiber, nullptr));
}

} // namespace effects::detail
