// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/sql/error.hpp>

namespace sql = effects::sql;

namespace {

template <class Error>
bool throws_as(char const* state) {
    try {
        sql::throw_error(state, "so it is", {.constraint = "c"});
    } catch (Error const& e) {
        return e.sqlstate() == state && e.constraint() == "c" && std::string_view(e.what()) == "so it is";
    } catch (...) {
    }
    return false;
}

} // namespace

TEST_CASE("an SQLSTATE arrives as the class that is named for it", "[sql][error]") {
    CHECK(throws_as<sql::unique_violation>("23505"));
    CHECK(throws_as<sql::foreign_key_violation>("23503"));
    CHECK(throws_as<sql::not_null_violation>("23502"));
    CHECK(throws_as<sql::check_violation>("23514"));
    CHECK(throws_as<sql::syntax_error>("42601"));
    CHECK(throws_as<sql::undefined_table>("42P01"));
    CHECK(throws_as<sql::undefined_column>("42703"));
    CHECK(throws_as<sql::parameter_mismatch>("07001"));
    CHECK(throws_as<sql::serialization_failure>("40001"));
    CHECK(throws_as<sql::deadlock_detected>("40P01"));
    CHECK(throws_as<sql::lock_not_available>("55P03"));
    CHECK(throws_as<sql::connection_failure>("08006"));
    CHECK(throws_as<sql::query_canceled>("57014"));
    CHECK(throws_as<sql::transaction_aborted>("25P02"));
    CHECK(throws_as<sql::data_corrupted>("XX001"));
    CHECK(throws_as<sql::disk_full>("53100"));
    CHECK(throws_as<sql::read_only>("25006"));
    CHECK(throws_as<sql::row_missing>("P0002"));
    CHECK(throws_as<sql::too_many_rows>("P0003"));
}

TEST_CASE("a state without a class of its own arrives as the base of its class, with its own code", "[sql][error]") {
    CHECK(throws_as<sql::integrity_violation>("23P01"));
    CHECK(throws_as<sql::connection_failure>("08001"));
    CHECK(throws_as<sql::error>("42883"));
    CHECK(throws_as<sql::integrity_violation>("23505"));
}

TEST_CASE("an error's code compares with the named ones and prints its state", "[sql][error]") {
    sql::unique_violation e("UNIQUE constraint failed: stock.sku", {.table = "stock"});

    CHECK(e.code() == sql::errc::unique_violation);
    CHECK(e.code() != sql::errc::check_violation);
    CHECK(e.code().message() == "23505: unique violation");
    CHECK(e.table() == "stock");
    CHECK(std::error_code(sql::errc::disk_full).message() == "53100: disk full");
    CHECK(sql::error("22P03", "x").code().message() == "22P03");
}

TEST_CASE("what is no SQLSTATE becomes a general error", "[sql][error]") {
    for (auto bad : {"", "1", "23505x", "2350a", "00000", "235 5"}) CHECK(sql::error(bad, "x").sqlstate() == "HY000");
}

TEST_CASE("an error made without a message says what its state means", "[sql][error]") {
    CHECK(std::string_view(sql::deadlock_detected().what()) == "40P01: deadlock detected");
}

TEST_CASE("only what another try may mend is transient", "[sql][error]") {
    auto transient = [](effects::error const& e) {
        CHECK(sql::is_transient(e) == e.transient());
        return e.transient();
    };
    for (auto state : {"40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03", "57P05", "08000", "08001",
                       "08003", "08004", "08006", "08007"}) {
        INFO(state);
        CHECK(transient(sql::error(state, "x")));
    }
    for (auto state : {"23505", "53100", "57014", "42601", "25P02", "40002", "40003", "58030", "XX001", "HY000"}) {
        INFO(state);
        CHECK_FALSE(transient(sql::error(state, "x")));
    }
    CHECK(transient(sql::serialization_failure()));
    CHECK(transient(sql::deadlock_detected()));
    CHECK(transient(sql::lock_not_available()));
    CHECK(transient(sql::connection_failure("08003", "gone", {})));
    CHECK_FALSE(transient(sql::unique_violation()));
    CHECK_FALSE(transient(sql::query_canceled()));
}

TEST_CASE("another module's transient error is none of a database", "[sql][error]") {
    CHECK_FALSE(sql::is_transient(effects::error(std::make_error_code(std::errc::timed_out), "other")));
}

TEST_CASE("a copy of an SQL error has its class, its fields and its contexts", "[sql][error]") {
    sql::unique_violation duplicate("duplicate key", {.constraint = "stock.sku"});
    duplicate.add_context("inserting");

    try {
        static_cast<effects::error const&>(duplicate).throw_copy();
    } catch (sql::unique_violation const& copy) {
        CHECK(&copy != &duplicate);
        CHECK(copy.constraint() == "stock.sku");
        CHECK(copy.sqlstate() == "23505");
        CHECK(std::string(copy.what()) == duplicate.what());
    }
}
