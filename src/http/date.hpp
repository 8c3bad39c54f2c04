// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace effects::http {

/// A moment to the second, in UTC.
using date = std::chrono::sys_seconds;

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7).
std::string format_date(date moment);

/// As lenient as cookies need (RFC 6265, section 5.1.1): takes every format that HTTP ever had.
std::optional<date> parse_date(std::string_view text);

} // namespace effects::http
