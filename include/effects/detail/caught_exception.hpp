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
    using pointer = _Unwind_Exception*; // Itanium C++ ABI, 1.2

public:
    caught_exception() = default;
    caught_exception(caught_exception const&) = delete;
    caught_exception& operator=(caught_exception const&) = delete;
    ~caught_exception() {
        if (held_) discard();
    }

    // In a catch clause of a body's first function, which must not throw it again afterwards: takes over what it handles.
    void take() noexcept;

    explicit operator bool() const noexcept { return held_ != nullptr; }

    // Throws it on, after `last`, which destroys this object and belongs to the unwinding: its destructors see the exception among
    // std::uncaught_exceptions. There is nothing here to clean up, and it is inline, for that is one frame less.
    template <class F>
    [[noreturn, gnu::always_inline]] inline void throw_on(F last) {
        pointer e = std::exchange(held_, nullptr);
        count_in_flight(e);
        last();
        _Unwind_RaiseException(e); // returns if nobody catches it
        not_caught(e);
    }

private:
    static void count_in_flight(pointer e) noexcept;
    [[noreturn]] static void not_caught(pointer e) noexcept;
    void discard() noexcept;

    pointer held_ = nullptr;
};
#else
class caught_exception {
public:
    void take() noexcept { held_ = std::current_exception(); }
    explicit operator bool() const noexcept { return held_ != nullptr; }

    template <class F>
    [[noreturn]] void throw_on(F last) {
        struct at_end {
            F& last;
            ~at_end() { last(); }
        } guard{last};
        std::rethrow_exception(std::exchange(held_, nullptr));
    }

private:
    std::exception_ptr held_;
};
#endif

} // namespace effects::detail
