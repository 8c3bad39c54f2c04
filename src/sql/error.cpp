// SPDX-License-Identifier: BSL-1.0
#include <effects/sql/error.hpp>

#include <algorithm>
#include <utility>

#include <effects/detail/cast.hpp>

namespace effects::sql {
namespace {

struct named_state {
    std::string_view state, name;
};
// The ones that SQLite and PostgreSQL report in practice; a code without a name shows as its five characters.
constexpr named_state names[] = {
    {"00000", "success"},
    {"07001", "the parameters do not match the placeholders"},
    {"08000", "connection exception"},
    {"08001", "unable to connect"},
    {"08003", "connection does not exist"},
    {"08006", "connection failure"},
    {"0A000", "feature not supported"},
    {"21000", "cardinality violation"},
    {"22001", "text is too long"},
    {"22002", "null where there is no null"},
    {"22003", "numeric value out of range"},
    {"22012", "division by zero"},
    {"22023", "invalid parameter value"},
    {"22P02", "invalid text representation"},
    {"23000", "integrity constraint violation"},
    {"23502", "not-null violation"},
    {"23503", "foreign key violation"},
    {"23505", "unique violation"},
    {"23514", "check violation"},
    {"25001", "a transaction is active"},
    {"25006", "read-only transaction"},
    {"25P02", "the transaction was rolled back"},
    {"3B001", "no such savepoint"},
    {"40001", "serialization failure"},
    {"40P01", "deadlock detected"},
    {"42501", "insufficient privilege"},
    {"42601", "syntax error"},
    {"42701", "duplicate column"},
    {"42702", "ambiguous column"},
    {"42703", "undefined column"},
    {"42804", "datatype mismatch"},
    {"42883", "undefined function"},
    {"42P01", "undefined table"},
    {"42P07", "duplicate table"},
    {"53100", "disk full"},
    {"53200", "out of memory"},
    {"53300", "too many connections"},
    {"54000", "program limit exceeded"},
    {"55P03", "lock not available"},
    {"57014", "query canceled"},
    {"57P01", "the server is shutting down"},
    {"58030", "input/output error"},
    {"HY000", "general error"},
    {"P0001", "raised by a trigger or a procedure"},
    {"P0002", "no rows"},
    {"P0003", "too many rows"},
    {"XX000", "internal error"},
    {"XX001", "data corrupted"},
};

class sql_category final : public std::error_category {
public:
    char const* name() const noexcept override { return "sql"; }
    std::string message(int code) const override {
        auto state = detail::sqlstate_of(code);
        std::string_view text(state.text, 5);
        for (auto const& known : names)
            if (known.state == text) return std::string(text) + ": " + std::string(known.name);
        return std::string(text);
    }
};

std::error_code code_of(std::string_view sqlstate) noexcept {
    int number = detail::sqlstate_number(sqlstate);
    return {number > 0 ? number : static_cast<int>(errc::general_error), category()};
}

} // namespace

std::error_category const& category() noexcept {
    static sql_category const only;
    return only;
}

error::error(std::string_view sqlstate, std::string message, error_fields fields)
    : effects::error(code_of(sqlstate),
                     message.empty() ? category().message(code_of(sqlstate).value()) : std::move(message)),
      fields_(std::move(fields)) {
    auto state = detail::sqlstate_of(code().value());
    std::copy(std::begin(state.text), std::end(state.text), std::begin(state_));
}

void error::throw_copy() const {
    try {
        throw_error(sqlstate(), message(), fields_);
    } catch (error& copy) {
        copy = *this; // its contexts too
        throw;
    }
}

void throw_error(std::string_view sqlstate, std::string message, error_fields fields) {
    switch (static_cast<errc>(code_of(sqlstate).value())) {
    case errc::no_rows:
        throw row_missing(std::move(message), std::move(fields));
    case errc::too_many_rows:
        throw too_many_rows(std::move(message), std::move(fields));
    case errc::parameter_mismatch:
        throw parameter_mismatch(std::move(message), std::move(fields));
    case errc::not_null_violation:
        throw not_null_violation(std::move(message), std::move(fields));
    case errc::foreign_key_violation:
        throw foreign_key_violation(std::move(message), std::move(fields));
    case errc::unique_violation:
        throw unique_violation(std::move(message), std::move(fields));
    case errc::check_violation:
        throw check_violation(std::move(message), std::move(fields));
    case errc::read_only:
        throw read_only(std::move(message), std::move(fields));
    case errc::transaction_aborted:
        throw transaction_aborted(std::move(message), std::move(fields));
    case errc::serialization_failure:
        throw serialization_failure(std::move(message), std::move(fields));
    case errc::deadlock_detected:
        throw deadlock_detected(std::move(message), std::move(fields));
    case errc::syntax_error:
        throw syntax_error(std::move(message), std::move(fields));
    case errc::undefined_column:
        throw undefined_column(std::move(message), std::move(fields));
    case errc::undefined_table:
        throw undefined_table(std::move(message), std::move(fields));
    case errc::disk_full:
        throw disk_full(std::move(message), std::move(fields));
    case errc::lock_not_available:
        throw lock_not_available(std::move(message), std::move(fields));
    case errc::query_canceled:
        throw query_canceled(std::move(message), std::move(fields));
    case errc::data_corrupted:
        throw data_corrupted(std::move(message), std::move(fields));
    default:
        break;
    }
    if (sqlstate.starts_with("23")) throw integrity_violation(sqlstate, std::move(message), std::move(fields));
    if (sqlstate.starts_with("08")) throw connection_failure(sqlstate, std::move(message), std::move(fields));
    throw error(sqlstate, std::move(message), std::move(fields));
}

bool error::transient() const noexcept {
    auto state = sqlstate();
    for (std::string_view known : {"40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03", "57P05"})
        if (state == known) return true;
    return state.starts_with("08");
}

bool is_transient(effects::error const& e) noexcept {
    return effects::detail::cast_to<error const>(&e) && e.transient();
}

} // namespace effects::sql
