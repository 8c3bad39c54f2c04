// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace effects::sql::detail {

// What an error's context says of a statement: `running "select qty from stock"`, on one line, at most some 200 bytes.
std::string running(std::string_view statement);

} // namespace effects::sql::detail
