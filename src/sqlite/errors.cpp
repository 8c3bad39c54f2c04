// SPDX-License-Identifier: BSL-1.0
#include "errors.hpp"

#include <sqlite3.h>

#include <effects/sql/detail/quote.hpp>

namespace effects::sqlite {
namespace {

constexpr std::string_view failed = " constraint failed: ";

// SQLITE_ERROR: what its messages begin with or contain (src/resolve.c, build.c, parse.y, tokenize.c of SQLite 3.40).
struct clue {
    std::string_view words;
    std::string_view sqlstate;
};
constexpr clue clues[] = {
    {"syntax error", "42601"},
    {"incomplete input", "42601"},
    {"unrecognized token", "42601"},
    {"no such table", "42P01"},
    {"no such view", "42P01"},
    {"no such column", "42703"},
    {"has no column named", "42703"},
    {"no such index", "42704"},
    {"no such function", "42883"},
    {"wrong number of arguments to function", "42883"},
    {"no such savepoint", "3B001"},
    {"duplicate column name", "42701"},
    {"ambiguous column name", "42702"},
    {"already exists", "42P07"},
    {"there is already", "42P07"},
    {"already another table or index", "42P07"},
    {"cannot start a transaction within", "25001"},
    {"no transaction is active", "25P01"},
    {" values for ", "42601"},
    {"have the same number of terms", "42601"},
    {"sub-select returns", "42601"},
    {"misuse of aggregate", "42803"},
    {"a GROUP BY clause is required", "42803"},
    {"ON CONFLICT clause does not match", "42P10"},
    {"foreign key mismatch", "42830"},
    {"integer overflow", "22003"},
    {"malformed JSON", "22032"},
    {"datatype mismatch", "42804"},
    {"not authorized", "42501"},
    {"too many", "54000"},
    {"too large", "54000"},
    {"too complex", "54000"},
    {"maximum depth", "54000"},
    {"may not be modified", "42809"},
    {"cannot modify", "42809"},
};

std::string_view sqlstate_of_message(std::string_view message) noexcept {
    for (auto const& c : clues)
        if (message.find(c.words) != std::string_view::npos) return c.sqlstate;
    return "HY000";
}

} // namespace

std::string_view sqlstate_of(failure const& f) noexcept {
    switch (f.code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return "23505";
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return "23503";
    case SQLITE_CONSTRAINT_NOTNULL:
        return "23502";
    case SQLITE_CONSTRAINT_CHECK:
        return "23514";
    case SQLITE_CONSTRAINT_TRIGGER:
        return "P0001";
    case SQLITE_CONSTRAINT_DATATYPE:
        return "42804";
    case SQLITE_BUSY_SNAPSHOT:
        return "40001";
    default:
        break;
    }
    switch (f.code & 0xFF) {
    case SQLITE_CONSTRAINT:
        return "23000";
    case SQLITE_ERROR:
        return sqlstate_of_message(f.message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return "55P03";
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return "42501";
    case SQLITE_NOMEM:
        return "53200";
    case SQLITE_READONLY:
        return "25006";
    case SQLITE_INTERRUPT:
        return "57014";
    case SQLITE_IOERR:
        return "58030";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "XX001";
    case SQLITE_FULL:
        return "53100";
    case SQLITE_CANTOPEN:
        return "08001";
    case SQLITE_TOOBIG:
        return "54000";
    case SQLITE_MISMATCH:
        return "42804";
    case SQLITE_INTERNAL:
        return "XX000";
    default:
        return "HY000";
    }
}

sql::error_fields fields_of(failure const& f) {
    sql::error_fields fields;
    if (f.offset >= 0) fields.position = f.offset + 1;
    if ((f.code & 0xFF) != SQLITE_CONSTRAINT) return fields;
    auto at = f.message.find(failed);
    if (at == std::string_view::npos) return fields;
    auto named = f.message.substr(at + failed.size());

    if (f.code == SQLITE_CONSTRAINT_CHECK) { // "CHECK constraint failed: qty_not_negative", or the expression itself
        fields.constraint = named;
        return fields;
    }
    if (constexpr std::string_view index = "index '"; named.starts_with(index)) { // of an index over expressions
        fields.constraint = named.substr(index.size(), named.size() - index.size() - 1);
        return fields;
    }
    fields.constraint = named; // "stock.sku", "stock.sku, stock.shop"
    auto dot = named.find('.');
    if (dot == std::string_view::npos) return fields;
    fields.table = named.substr(0, dot);
    if (named.find(", ") == std::string_view::npos) fields.column = named.substr(dot + 1);
    return fields;
}

void throw_failure(failure const& f, std::string_view statement) {
    std::string message(f.message.empty() ? std::string_view(sqlite3_errstr(f.code)) : f.message);
    auto fields = fields_of(f);
    if (fields.position > 0) message += " (at character " + std::to_string(fields.position) + ')';
    try {
        sql::throw_error(sqlstate_of(f), std::move(message), std::move(fields));
    } catch (effects::error& e) {
        if (!statement.empty()) e.add_context(sql::detail::running(statement));
        throw;
    }
}

} // namespace effects::sqlite
