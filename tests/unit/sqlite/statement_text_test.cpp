// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <sqlite/statement_text.hpp>

using effects::sqlite::asks_the_writer;
using effects::sqlite::kind_of;
using effects::sqlite::statement_kind;

TEST_CASE("statements that may read are told by their first word", "[sqlite][text]") {
    for (auto text : {"select 1", "SELECT 1", "  \n;select 1", "-- note\nselect 1", "/* a */ /* b */ values (1)",
                      "with t as (select 1) select * from t", "explain query plan select 1", "select(1)"}) {
        CAPTURE(text);
        CHECK(kind_of(text) == statement_kind::may_read);
    }
}

TEST_CASE("all that does not surely read is for the writing connection", "[sqlite][text]") {
    for (auto text : {"", "insert into t values (1)", "pragma user_version", "selected", "-- select 1", "/* select 1",
                      "vacuum", "create table t (a)"}) {
        CAPTURE(text);
        CHECK(kind_of(text) == statement_kind::other);
    }
}

TEST_CASE("statements that begin and end transactions are told by their first word", "[sqlite][text]") {
    for (auto text :
         {"begin", "BEGIN immediate", "commit;", "end", "rollback to a", "savepoint a", "release a", "/**/ Commit"}) {
        CAPTURE(text);
        CHECK(kind_of(text) == statement_kind::transaction_control);
    }
    CHECK(kind_of("beginning") == statement_kind::other);
    CHECK(kind_of("end_of_day") == statement_kind::other);
}

TEST_CASE("functions about the writing connection are found in a statement", "[sqlite][text]") {
    CHECK(asks_the_writer("select last_insert_rowid()"));
    CHECK(asks_the_writer("select CHANGES()"));
    CHECK(asks_the_writer("select total_changes()"));
    CHECK_FALSE(asks_the_writer("select sku from stock"));
    CHECK_FALSE(asks_the_writer(""));
}
