// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

namespace effects::sqlite {

/// What a statement's words say of it, without compiling it.
enum class statement_kind {
    may_read,            ///< select, values, with, explain: most likely reads only
    other,               ///< to be run where writing is allowed
    transaction_control, ///< begin, commit, end, rollback, savepoint, release: not for `sql::query`
};

statement_kind kind_of(std::string_view statement) noexcept;

/// True where the statement may ask what only the writing connection can tell: last_insert_rowid(), changes().
bool asks_the_writer(std::string_view statement) noexcept;

} // namespace effects::sqlite
