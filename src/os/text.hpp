// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace effects::os {

/// For people: UTF-8 as it is, other bytes and control characters as \xNN.
std::string printable(std::string_view bytes);

/// The same for one line of a terminal: also what Unicode has of control characters (C1, line and paragraph separators) and what turns the
/// direction of writing, which may hide or forge what is read.
std::string printable_line(std::string_view bytes);

/// Appends `bytes` as a JSON string, in quotes; what is not UTF-8 becomes U+FFFD.
void append_json(std::string& out, std::string_view bytes);

} // namespace effects::os
