// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

#include <effects/sql/error.hpp>

namespace effects::sqlite {

/// What SQLite says of a failure: an (extended) result code, its message, and where in the statement, from 0 (-1: nowhere).
struct failure {
    int code;
    std::string_view message;
    int offset = -1;
};

/// The SQLSTATE of a failure. SQLite reports most mistakes as SQLITE_ERROR and tells them apart by message only.
std::string_view sqlstate_of(failure const&) noexcept;

/// The table, column and constraint that the message names.
sql::error_fields fields_of(failure const&);

/// Throws the `sql::error` for it; `statement` (which may be empty) becomes its context.
[[noreturn]] void throw_failure(failure const&, std::string_view statement);

} // namespace effects::sqlite
