// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace effects::http {

/// `{"error": message}`; bytes that are not UTF-8 are replaced.
std::string error_json(std::string_view message);

/// True when both are JSON and equal as JSON.
bool equal_json(std::string_view a, std::string_view b);

/// "malformed JSON at byte 7 near …: reason".
std::string describe_bad_json(std::string_view text, std::size_t offset, std::string_view reason);

} // namespace effects::http
