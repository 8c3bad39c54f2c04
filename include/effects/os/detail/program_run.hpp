// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

#include <effects/os/programs.hpp>

// What all handlers of `operations::run` share.
namespace effects::os::detail {

// Throws os::error where no system could be asked for it.
void check(operations::run const& op);
std::string const& program_of(operations::run const& op) noexcept; // empty where it has no words
std::string phase_of(operations::run const& op);                   // "running git", for `timed_out`
std::string last_line(std::string_view text);                      // printable, and not endless
[[noreturn]] void throw_too_much_output(operations::run const& op, completed so_far);

} // namespace effects::os::detail
