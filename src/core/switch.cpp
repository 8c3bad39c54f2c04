// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/fiber.hpp>

#include <cxxabi.h>

#include <utility>

#include <boost/context/detail/fcontext.hpp>

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

namespace {

// What is behind __cxa_get_globals in the Itanium C++ ABI (2.2.2): the exceptions being handled, and the number of those
// in flight. They belong to a stack, not to a thread.
struct exception_globals {
    void* caught;
    unsigned uncaught;
};

[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline exception_globals& exceptions_of(thread_state& thread) noexcept {
    if (!thread.exception_globals) [[unlikely]]
        thread.exception_globals = abi::__cxa_get_globals();
    return *static_cast<exception_globals*>(thread.exception_globals);
}

[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void save(context& here, thread_state& thread) noexcept {
    here.top = thread.top;
    here.frames = thread.frames;
    here.running = thread.running;
    exception_globals& exceptions = exceptions_of(thread);
    here.caught_exceptions = exceptions.caught;
    here.uncaught_exceptions = exceptions.uncaught;
}

[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void restore(context const& here, thread_state& thread) noexcept {
    thread.top = here.top;
    thread.frames = here.frames;
    thread.running = here.running;
    exception_globals& exceptions = exceptions_of(thread);
    exceptions.caught = here.caught_exceptions;
    exceptions.uncaught = here.uncaught_exceptions;
}

[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void before_switch(void** fake_stack, context const& to) noexcept {
    if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(fake_stack, to.stack_bottom, to.stack_size);
    if (__tsan_switch_to_fiber) __tsan_switch_to_fiber(to.tsan_fiber, 0);
}

// `came_from` is the computation that was left: the sanitizer tells its stack's bounds only now.
[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void after_switch(void* fake_stack, context* came_from) noexcept {
    if (!__sanitizer_finish_switch_fiber) return;
    void const* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
    if (came_from) {
        came_from->stack_bottom = bottom;
        came_from->stack_size = size;
    }
}

// The jump carries the address of the context that is being left, or null when a stack is left for good.
[[gnu::always_inline]] EFFECTS_UNINSTRUMENTED inline void arrived(bc::transfer_t transfer, void* fake_stack) noexcept {
    auto* came_from = static_cast<context*>(transfer.data);
    if (came_from) came_from->stack_pointer = transfer.fctx;
    after_switch(fake_stack, came_from);
}

EFFECTS_UNINSTRUMENTED void first_function(bc::transfer_t transfer) noexcept {
    arrived(transfer, nullptr);
    fiber* self = this_thread()->starting;
    self->run(self);
    leave_stack(*self);
}

} // namespace

[[gnu::noinline]] EFFECTS_UNINSTRUMENTED void switch_to(context& from, context& to) noexcept {
    save(from, *this_thread());
    if (__tsan_get_current_fiber) from.tsan_fiber = __tsan_get_current_fiber();
    before_switch(&from.fake_stack, to);
    bc::transfer_t transfer = bc::jump_fcontext(to.stack_pointer, &from);
    arrived(transfer, from.fake_stack);
    restore(from, *this_thread());
}

[[gnu::noinline]] EFFECTS_UNINSTRUMENTED void start_on_stack(fiber& f, std::byte* below, context& from, frame* top,
                                                             frame* frames) noexcept {
    if (__tsan_create_fiber) f.memory.tsan_fiber = __tsan_create_fiber(0);
    context first;
    first.stack_bottom = f.memory.bottom;
    first.stack_size = static_cast<std::size_t>(f.memory.top - f.memory.bottom);
    first.tsan_fiber = f.memory.tsan_fiber;
    first.stack_pointer = bc::make_fcontext(below, static_cast<std::size_t>(below - f.memory.bottom), &first_function);

    thread_state& thread = *this_thread();
    save(from, thread);
    if (__tsan_get_current_fiber) from.tsan_fiber = __tsan_get_current_fiber();
    thread.starting = &f;
    thread.top = top;
    thread.frames = frames;
    thread.running = &f;
    exceptions_of(thread) = {nullptr, 0};
    f.resumer = &from;
    before_switch(&from.fake_stack, first);
    bc::transfer_t transfer = bc::jump_fcontext(first.stack_pointer, &from);
    arrived(transfer, from.fake_stack);
    restore(from, *this_thread());
}

[[noreturn, gnu::noinline]] EFFECTS_UNINSTRUMENTED void leave_stack(fiber& f) noexcept {
    context& to = *f.resumer;
    before_switch(nullptr, to);
    bc::jump_fcontext(to.stack_pointer, nullptr);
    __builtin_unreachable();
}

// AddressSanitizer frees a fake stack (detect_stack_use_after_return) only when the running computation leaves it for
// good: so switch to it, in the books alone, and leave it.
[[gnu::noinline]] EFFECTS_UNINSTRUMENTED void abandon(context& suspended) noexcept {
    if (!__sanitizer_start_switch_fiber || !suspended.fake_stack) return;
    void* mine = nullptr;
    void const* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_start_switch_fiber(&mine, suspended.stack_bottom, suspended.stack_size);
    __sanitizer_finish_switch_fiber(suspended.fake_stack, &bottom, &size);
    __sanitizer_start_switch_fiber(nullptr, bottom, size);
    __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
}

void discard_stack(stack s) noexcept {
    if (s.tsan_fiber && __tsan_destroy_fiber) __tsan_destroy_fiber(std::exchange(s.tsan_fiber, nullptr));
    release_stack(s);
}

} // namespace effects::detail
