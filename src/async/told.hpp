// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <exception>
#include <string>

namespace effects::async {

/// For messages: "1.5 s", "20 ms".
std::string told(std::chrono::nanoseconds d);
/// What an exception says, not at any length.
std::string told(std::exception_ptr const& e);

} // namespace effects::async
