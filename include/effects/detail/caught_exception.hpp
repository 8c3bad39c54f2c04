// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <utility>

#if defined(__GLIBCXX__) && !defined(__ARM_EABI_UNWINDER__)
#include <unwind.h>
#define EFFECTS_RAISES_AGAIN
#endif

// What a body threw, on its way from the body's stack to where `handle` was called. std::rethrow_exception would raise a new
// exception that refers to the first, out of a frame that has an exception_ptr to clean up; each such frame costs the unwinder as
// much again as the throw. This one raises the same exception again.

namespace effects::detail {

#ifdef EFFECTS_RAISES_AGAIN
class caught_exception {
public:
    using pointer = _Unwind_Exception*; // Itanium C++ ABI, 1.2

    caught_exception() = default;
    caught_exception(caught_exception const&) = delete;
    caught_exception& operator=(caught_exception const&) = delete;
    ~caught_exception() {
        if (held_) discard();
    }

    // In a catch clause of a body's first function, which must not throw it again afterwards: takes over what it handles.
    void take() noexcept;

    explicit operator bool() const noexcept { return held_ != nullptr; }

    // The two halves of throwing it on. Between them is nothing to clean up, and `raise` is inline, for that is one frame less.
    pointer release() noexcept { return std::exchange(held_, nullptr); }
    [[noreturn, gnu::always_inline]] inline static void raise(pointer e) {
        count_in_flight();
        _Unwind_RaiseException(e); // returns if nobody catches it
        not_caught(e);
    }

private:
    static void count_in_flight() noexcept;
    [[noreturn]] static void not_caught(pointer e) noexcept;
    void discard() noexcept;

    pointer held_ = nullptr;
};
#else
class caught_exception {
public:
    using pointer = std::exception_ptr;

    void take() noexcept { held_ = std::current_exception(); }
    explicit operator bool() const noexcept { return held_ != nullptr; }
    pointer release() noexcept { return std::exchange(held_, nullptr); }
    [[noreturn]] static void raise(pointer e) { std::rethrow_exception(std::move(e)); }

private:
    pointer held_;
};
#endif

} // namespace effects::detail
