// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/error.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace effects::sql {
namespace detail {

// The five characters of an SQLSTATE, read as a number of base 36; 0 is "00000", success. -1: not an SQLSTATE.
constexpr int sqlstate_number(std::string_view state) noexcept {
    if (state.size() != 5) return -1;
    int number = 0;
    for (char c : state) {
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        number = number * 36 + digit;
    }
    return number;
}

} // namespace detail

/// The SQLSTATEs that have a name here, to compare with: `e.code() == sql::errc::unique_violation`. An error's code
/// may be any other SQLSTATE, too. (ISO/IEC 9075; the names are those of PostgreSQL's manual, appendix A.)
enum class errc {
    no_rows = detail::sqlstate_number("P0002"),
    too_many_rows = detail::sqlstate_number("P0003"),
    parameter_mismatch = detail::sqlstate_number("07001"),
    connection_failure = detail::sqlstate_number("08006"),
    null_value_no_indicator = detail::sqlstate_number("22002"),
    numeric_value_out_of_range = detail::sqlstate_number("22003"),
    invalid_parameter_value = detail::sqlstate_number("22023"),
    integrity_violation = detail::sqlstate_number("23000"),
    not_null_violation = detail::sqlstate_number("23502"),
    foreign_key_violation = detail::sqlstate_number("23503"),
    unique_violation = detail::sqlstate_number("23505"),
    check_violation = detail::sqlstate_number("23514"),
    read_only = detail::sqlstate_number("25006"),
    transaction_aborted = detail::sqlstate_number("25P02"),
    serialization_failure = detail::sqlstate_number("40001"),
    deadlock_detected = detail::sqlstate_number("40P01"),
    syntax_error = detail::sqlstate_number("42601"),
    undefined_column = detail::sqlstate_number("42703"),
    datatype_mismatch = detail::sqlstate_number("42804"),
    undefined_table = detail::sqlstate_number("42P01"),
    disk_full = detail::sqlstate_number("53100"),
    lock_not_available = detail::sqlstate_number("55P03"),
    query_canceled = detail::sqlstate_number("57014"),
    data_corrupted = detail::sqlstate_number("XX001"),
    general_error = detail::sqlstate_number("HY000"),
};

/// The category of every `sql::error`'s code; `message()` is the SQLSTATE and its name.
std::error_category const& category() noexcept;
inline std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

/// What a database says of an error beside its SQLSTATE and message. Empty (0) where it does not say.
struct error_fields {
    std::string constraint = {}; ///< "stock_pkey", or "stock.sku" where the database names columns only
    std::string table = {};
    std::string column = {};
    std::string detail = {};
    int position = 0; ///< of a syntax error: the character of the statement, from 1; 0: not known
    bool operator==(error_fields const&) const = default;
};

/// A statement failed, or its result is not what was asked of it. Named classes below stand for the SQLSTATEs that
/// programs tell apart; all others arrive as plain `sql::error`s (or as the base of their class).
///
///     try { perform(sql::query("insert into stock values ($1, 1)", sku)); }
///     catch (sql::unique_violation const& e) { log(e.constraint()); }   // "stock.sku"
///     catch (sql::error const& e) { log(e.sqlstate(), e.what()); }
///
/// `what()` has the statement's text, never its parameters.
class error : public effects::error {
public:
    /// `sqlstate` that is not five digits and capitals is taken as HY000, a general error.
    error(std::string_view sqlstate, std::string message, error_fields fields = {});

    /// Five characters: "23505".
    std::string_view sqlstate() const noexcept { return {state_, 5}; }
    std::string const& constraint() const noexcept { return fields_.constraint; }
    std::string const& table() const noexcept { return fields_.table; }
    std::string const& column() const noexcept { return fields_.column; }
    std::string const& detail() const noexcept { return fields_.detail; }
    int position() const noexcept { return fields_.position; }
    error_fields const& fields() const noexcept { return fields_; }
    /// What to try again is the whole transaction:
    ///
    ///     async::retry([&] { sql::transaction(move_money); });
    ///
    /// Serialization failures, deadlocks, locks that somebody else holds (SQLite's busy and locked), lost connections (class 08), too many of
    /// them, a server that restarts: 40001, 40P01, 55P03, 53300, 57P01, 57P02, 57P03, 57P05.
    bool transient() const noexcept override;
    /// Of the class that stands for its SQLSTATE.
    [[noreturn]] void throw_copy() const override;

private:
    char state_[6] = {};
    error_fields fields_;
};

namespace detail {

struct sqlstate_text {
    char text[6] = {};
};
constexpr sqlstate_text sqlstate_of(int number) noexcept {
    sqlstate_text state;
    for (int i = 4; i >= 0; --i, number /= 36) state.text[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number % 36];
    return state;
}

// An error class of one SQLSTATE, made from a message and, where there are any, fields.
template <class Base, errc Code>
class coded : public Base {
public:
    explicit coded(std::string message = {}, error_fields fields = {})
        : Base(std::string_view(state.text, 5), std::move(message), std::move(fields)) {}

protected:
    coded(std::string_view state_given, std::string message, error_fields fields)
        : Base(state_given, std::move(message), std::move(fields)) {}

private:
    static constexpr sqlstate_text state = sqlstate_of(static_cast<int>(Code));
};

// A class of SQLSTATEs: made like `coded`, or with any of its SQLSTATEs first.
template <class Base, errc Code>
class coded_class : public coded<Base, Code> {
public:
    using coded<Base, Code>::coded;
    coded_class(std::string_view sqlstate, std::string message, error_fields fields)
        : coded<Base, Code>(sqlstate, std::move(message), std::move(fields)) {}
};

} // namespace detail

/// Class 23: the data would not be what the schema promises.
class integrity_violation : public detail::coded_class<error, errc::integrity_violation> {
    using coded_class::coded_class;
};
/// 23505
class unique_violation : public detail::coded<integrity_violation, errc::unique_violation> {
    using coded::coded;
};
/// 23503
class foreign_key_violation : public detail::coded<integrity_violation, errc::foreign_key_violation> {
    using coded::coded;
};
/// 23502
class not_null_violation : public detail::coded<integrity_violation, errc::not_null_violation> {
    using coded::coded;
};
/// 23514
class check_violation : public detail::coded<integrity_violation, errc::check_violation> {
    using coded::coded;
};
/// 42601: the text is no statement, or more than one.
class syntax_error : public detail::coded<error, errc::syntax_error> {
    using coded::coded;
};
/// 42P01
class undefined_table : public detail::coded<error, errc::undefined_table> {
    using coded::coded;
};
/// 42703
class undefined_column : public detail::coded<error, errc::undefined_column> {
    using coded::coded;
};
/// 07001: the statement's placeholders and the parameters given are not the same ones.
class parameter_mismatch : public detail::coded<error, errc::parameter_mismatch> {
    using coded::coded;
};
/// Class 40 where a retry of the whole transaction may succeed: 40001.
class serialization_failure : public detail::coded<error, errc::serialization_failure> {
    using coded::coded;
};
/// 40P01
class deadlock_detected : public detail::coded<error, errc::deadlock_detected> {
    using coded::coded;
};
/// 55P03: somebody else holds the lock (or the connection), and the time to wait for it is over.
class lock_not_available : public detail::coded<error, errc::lock_not_available> {
    using coded::coded;
};
/// Class 08: no connection (or no database file) to work with.
class connection_failure : public detail::coded_class<error, errc::connection_failure> {
    using coded_class::coded_class;
};
/// 57014: interrupted. A task's own cancellation is `async::cancelled`, not this.
class query_canceled : public detail::coded<error, errc::query_canceled> {
    using coded::coded;
};
/// 25P02: the transaction is over already, since an error in it rolled it back.
class transaction_aborted : public detail::coded<error, errc::transaction_aborted> {
    using coded::coded;
};
/// XX001: the database file is damaged, or is no database.
class data_corrupted : public detail::coded<error, errc::data_corrupted> {
    using coded::coded;
};
/// 53100
class disk_full : public detail::coded<error, errc::disk_full> {
    using coded::coded;
};
/// 25006: a write to what can only be read.
class read_only : public detail::coded<error, errc::read_only> {
    using coded::coded;
};
/// P0002: `one()` of a result without rows.
class row_missing : public detail::coded<error, errc::no_rows> {
    using coded::coded;
};
/// P0003: `one()` or `maybe_one()` of a result with several rows.
class too_many_rows : public detail::coded<error, errc::too_many_rows> {
    using coded::coded;
};
/// A value is not what it was read as: 42804 (another type), 22003 (out of range), 22002 (null).
class conversion_error : public detail::coded_class<error, errc::datatype_mismatch> {
    using coded_class::coded_class;
};

/// Throws the most specific class there is for `sqlstate`. For those who write handlers.
[[noreturn]] void throw_error(std::string_view sqlstate, std::string message, error_fields fields = {});

/// A database's error, and transient: for a `retry` that is to repeat nothing else.
bool is_transient(effects::error const& e) noexcept;

} // namespace effects::sql

template <>
struct std::is_error_code_enum<effects::sql::errc> : std::true_type {};
