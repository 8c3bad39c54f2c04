// SPDX-License-Identifier: BSL-1.0
#pragma once

// What everything here is built on, said before the compiler stumbles over its lack.
#if __cplusplus < 202002L
#error "effects needs C++20: compile with -std=c++20 or later"
#endif
#if !defined(__cpp_exceptions)
#error "effects needs exceptions, by which a dropped resumption unwinds its frames: compile without -fno-exceptions"
#endif
