// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace effects {

/// What a `handle` may be told before its body:
///
///     effects::handle({.stack_size = 1 << 20}, body, effects::control<ask>(…))
///
/// After an `fx`, where one comes first: `fx.handle({…}, body, …)`, `multishot::handle(fx, {…}, body, …)`.
///
/// Only where the body runs on a stack of its own, that is with a `control` clause: the compiler refuses it elsewhere.
struct handle_options {
    /// Of the body's stack, in bytes. Up to 256 KiB, or 0, it is one of the pool, of that size. A larger one is mapped for this body
    /// and unmapped after it (some microseconds); `std::bad_alloc` where the system has none.
    std::size_t stack_size = 0;
};

} // namespace effects
