// SPDX-License-Identifier: BSL-1.0
#include "databases.hpp"

namespace sql = effects::sql;
using Catch::Matchers::Contains;
using effects::perform;

ON_EVERY_DATABASE("rows affected are those that this very statement changed", "[sql][statements]") {
    CHECK(perform(sql::query("create table t (a int)")).rows_affected() == 0);
    CHECK(perform(sql::query("insert into t values (1), (2), (3)")).rows_affected() == 3);
    CHECK(perform(sql::query("select * from t")).rows_affected() == 0);
    CHECK(perform(sql::query("update t set a = a + 1 where a > $1", 1)).rows_affected() == 2);
    CHECK(perform(sql::query("update t set a = 0 where a = $1", 77)).rows_affected() == 0);
    CHECK(perform(sql::query("create table u (a int)")).rows_affected() == 0);
    CHECK(perform(sql::query("delete from t")).rows_affected() == 3);
}

ON_EVERY_DATABASE("an insert that returns has both rows and rows affected", "[sql][statements]") {
    perform(sql::script("create table t (id integer primary key, a text)"));

    auto const r = perform(sql::query("insert into t (id, a) values (1, $1), (2, $2) returning id, a", "x", "y"));

    CHECK(r.rows_affected() == 2);
    CHECK(r.all<std::pair<int, std::string>>() == std::vector<std::pair<int, std::string>>{{1, "x"}, {2, "y"}});
}

ON_EVERY_DATABASE("a wrong number of parameters says how many are wanted and given", "[sql][statements][parameters]") {
    perform(sql::script("create table t (a int, b int)"));

    for (auto const& [statement, given, wanted] :
         {std::tuple{sql::query("insert into t values ($1, $2)", 1), "1 ", "2 "},
          std::tuple{sql::query("insert into t values ($1, $2)", 1, 2, 3), "3 ", "2 "},
          std::tuple{sql::query("insert into t values (1, 2)", 1), "1 ", "0 "},
          std::tuple{sql::query("insert into t values ($1, $2)"), "0 ", "2 "}}) {
        CAPTURE(statement.text());
        auto const e = error_of<sql::parameter_mismatch>([&] { perform(statement); });
        CHECK(e.sqlstate() == "07001");
        CHECK_THAT(e.what(), Contains("while running \"insert into t values") && Contains(given) && Contains(wanted));
    }
    CHECK(perform(sql::query("select count(*) from t")).one<int>() == 0);
    CHECK(perform(sql::query("insert into t values ($1, $2)", 1, 2)).rows_affected() == 1);
}

ON_EVERY_DATABASE("a query is one statement", "[sql][statements]") {
    perform(sql::script("create table t (a int)"));

    CHECK_THROWS_AS(perform(sql::query("insert into t values (1); insert into t values (2)")), sql::syntax_error);
    CHECK_THROWS_AS(perform(sql::query("")), sql::syntax_error);
    CHECK(perform(sql::query("select count(*) from t")).one<int>() == 0);
    CHECK(perform(sql::query("insert into t values (1);")).rows_affected() == 1);
}

ON_EVERY_DATABASE("a script does all of its statements or none", "[sql][statements][script]") {
    perform(sql::script("create table t (a int check (a > 0)); insert into t values (1); insert into t values (2);"));
    CHECK(perform(sql::query("select sum(a) from t")).one<int>() == 3);

    auto const e = error_of<sql::check_violation>(
        [] { perform(sql::script("insert into t values (3); insert into t values (-4); insert into t values (5)")); });

    CHECK_THAT(e.what(), Contains("insert into t values (-4)"));
    CHECK(perform(sql::query("select sum(a) from t")).one<int>() == 3);
    CHECK_NOTHROW(perform(sql::script("")));
}

ON_EVERY_DATABASE("a changed schema is seen by statements that ran before", "[sql][statements]") {
    perform(sql::script("create table t (a int); insert into t values (1)"));
    CHECK(perform(sql::query("select * from t")).columns().size() == 1);

    perform(sql::script("alter table t add column b int default 7"));

    CHECK(perform(sql::query("select * from t")).one<std::pair<int, int>>() == std::pair(1, 7));
    perform(sql::script("drop table t"));
    CHECK_THROWS_AS(perform(sql::query("select * from t")), sql::undefined_table);
}
