// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iosfwd>

#include <effects/detail/fiber.hpp>
#include <effects/stack.hpp>

namespace effects::detail {

std::size_t page_size() noexcept;

struct stack_extent {
    std::byte* begin = nullptr; // the lowest byte that may be touched
    std::byte* end = nullptr;
};

// Of a fiber's stack, or, where it is null, of the running thread's own; null where the system does not say.
stack_extent extent_of(fiber const* f) noexcept;

// What lies on it below the address is not used any more, and something else will be: for the tools that keep books of that.
void frames_gone(stack s, std::byte* below) noexcept;

// How full it is where its stack pointer is this one. All zero where that is none of it.
stack_use use_of(fiber const* f, void const* stack_pointer) noexcept;

// "3 KiB of 252 KiB in use, 8 KiB touched"
std::ostream& print_fill(std::ostream& out, stack_use const& use);

} // namespace effects::detail
