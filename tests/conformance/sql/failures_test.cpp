// SPDX-License-Identifier: BSL-1.0
#include <string_view>

#include "databases.hpp"

namespace sql = effects::sql;
using Catch::Matchers::Contains;
using effects::perform;

namespace {

void make_shop() {
    perform(sql::script("create table shop (id int primary key);"
                        "create table stock (sku text not null primary key,"
                        "  qty int not null constraint qty_not_negative check (qty >= 0),"
                        "  shop int references shop (id));"
                        "insert into shop values (1); insert into stock values ('A1', 5, 1)"));
}

constexpr char const* insert = "insert into stock (sku, qty, shop) values ($1, $2, $3)";

// The statement fails with that class, which names it and tells no parameter; the database goes on.
template <class Error>
Error violation(std::string_view state, sql::query const& q) {
    auto const e = error_of<Error>([&] { perform(q); });
    CHECK(e.sqlstate() == state);
    CHECK_THAT(e.what(), Contains("while running \"" + q.text() + "\": ") && !Contains("hunter2"));
    CHECK_THROWS_AS(perform(q), sql::integrity_violation);
    CHECK(perform(sql::query("select count(*) from stock")).template one<int>() == 1);
    CHECK(perform(sql::query("update stock set qty = qty + 1")).rows_affected() == 1);
    return e;
}

} // namespace

ON_EVERY_DATABASE("a SQL syntax error names the statement and the place, and the database goes on", "[sql][failures]") {
    make_shop();

    auto const e =
        error_of<sql::syntax_error>([] { perform(sql::query("select * form stock where sku = $1", "hunter2")); });

    CHECK(e.sqlstate() == "42601");
    CHECK(e.position() == 10);
    CHECK_THAT(e.what(), Contains("while running \"select * form stock where sku = $1\": ") &&
                             Contains("syntax error") && Contains("form") && !Contains("hunter2"));
    CHECK(perform(sql::query("select count(*) from stock")).one<int>() == 1);
}

ON_EVERY_DATABASE("tables and columns that are not there are errors that name them", "[sql][failures]") {
    make_shop();

    auto const table = error_of<sql::undefined_table>([] { perform(sql::query("select * from nowhere")); });
    auto const column = error_of<sql::undefined_column>([] { perform(sql::query("select nme from stock")); });

    CHECK(table.sqlstate() == "42P01");
    CHECK_THAT(table.what(), Contains("while running \"select * from nowhere\": ") && Contains("nowhere"));
    CHECK(column.sqlstate() == "42703");
    CHECK_THAT(column.what(), Contains("while running \"select nme from stock\": ") && Contains("nme"));
    CHECK_THROWS_AS(perform(sql::query("select \"nme\" from stock")), sql::undefined_column);
}

ON_EVERY_DATABASE("a unique constraint that is violated is an error with its SQLSTATE and place",
                  "[sql][failures][constraint]") {
    make_shop();
    perform(sql::query("update stock set sku = 'hunter2'"));

    auto const e = violation<sql::unique_violation>("23505", sql::query(insert, "hunter2", 1, 1));

    CHECK(e.table() == "stock");
    CHECK_FALSE(e.constraint().empty());
}

ON_EVERY_DATABASE("a not-null constraint that is violated is an error with its SQLSTATE and column",
                  "[sql][failures][constraint]") {
    make_shop();

    auto const e = violation<sql::not_null_violation>("23502", sql::query(insert, "hunter2", sql::null, 1));

    CHECK(e.table() == "stock");
    CHECK(e.column() == "qty");
}

ON_EVERY_DATABASE("a foreign key that is violated is an error with its SQLSTATE", "[sql][failures][constraint]") {
    make_shop();

    violation<sql::foreign_key_violation>("23503", sql::query(insert, "hunter2", 1, 99));
    violation<sql::foreign_key_violation>("23503", sql::query("delete from shop where id = $1", 1));
}

ON_EVERY_DATABASE("a check that is violated is an error with its SQLSTATE and name", "[sql][failures][constraint]") {
    make_shop();

    auto const e = violation<sql::check_violation>("23514", sql::query(insert, "hunter2", -1, 1));

    CHECK(e.constraint() == "qty_not_negative");
}
