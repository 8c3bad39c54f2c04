// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <sqlite/connection.hpp>

#include <cmath>
#include <limits>

#include <effects/sql/query.hpp>

namespace sql = effects::sql;
using effects::sqlite::connection;
using effects::sqlite::connection_counts;
using effects::sqlite::connection_settings;

namespace {

// One to memory, spoken to as to a function.
struct memory {
    explicit memory(std::size_t cache = 100) : db(settings(cache), counts) {}

    template <class... Parameters>
    sql::result operator()(std::string text, Parameters&&... parameters) {
        sql::query q(std::move(text), std::forward<Parameters>(parameters)...);
        return db.execute(q.text(), q.parameters());
    }

    static connection_settings settings(std::size_t cache) {
        connection_settings s;
        s.path = ":memory:";
        s.statement_cache = cache;
        return s;
    }

    connection_counts counts;
    connection db;
};

} // namespace

TEST_CASE("every kind of value goes in and comes out the same", "[sqlite][values]") {
    memory db;
    auto round_trip = [&](sql::value v) { return db("select $1", v).one<sql::value>(); };

    for (auto const& v : {sql::value(), sql::value(0), sql::value(std::numeric_limits<std::int64_t>::min()),
                          sql::value(std::numeric_limits<std::int64_t>::max()), sql::value(0.1), sql::value(-0.0),
                          sql::value(std::numeric_limits<double>::infinity()), sql::value(5e-324), sql::value(""),
                          sql::value("naïve 🎉 日本"), sql::value(std::string("a\0b\0", 4)), sql::value(sql::blob{}),
                          sql::value(sql::blob{std::byte{0}, std::byte{255}}), sql::value(std::string(3'000'000, 'x'))})
        CHECK(round_trip(v) == v);
}

TEST_CASE("booleans come back as 0 and 1, moments as text", "[sqlite][values]") {
    memory db;
    auto const moment = sql::timestamp(std::chrono::microseconds(1'500'000));

    CHECK(db("select $1", true).one<sql::value>() == sql::value(1));
    CHECK(db("select $1", true).one<bool>());
    CHECK(db("select $1", moment).one<std::string>() == "1970-01-01 00:00:01.500000");
    CHECK(db("select $1", moment).one<sql::timestamp>() == moment);
    CHECK(db("select datetime($1, '+1 day')", moment).one<sql::timestamp>() ==
          sql::timestamp(std::chrono::seconds(86'401)));
}

TEST_CASE("NaN is refused, since it would be stored as null", "[sqlite][values]") {
    memory db;

    CHECK_THROWS_WITH(db("select $1", std::nan("")), Catch::Matchers::Contains("parameter $1 is not a number"));
    CHECK(db("select $1", 1.0).one<double>() == 1.0);
}

TEST_CASE("text with a zero byte keeps its length in a table", "[sqlite][values]") {
    memory db;
    db("create table t (a text)");
    db("insert into t values ($1)", std::string("a\0b", 3));

    CHECK(db("select a from t").one<std::string>() == std::string("a\0b", 3));
    CHECK(db("select length(cast(a as blob)) from t").one<int>() == 3);
}

TEST_CASE("placeholders are bound by their number, wherever they stand", "[sqlite][parameters]") {
    memory db;

    CHECK(db("select $2, $1, $2", "a", "b").one<std::tuple<std::string, std::string, std::string>>() ==
          std::tuple("b", "a", "b"));
    CHECK(db("select $10, $9, $8, $7, $6, $5, $4, $3, $2, $1", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)[0].get<int>(0) == 10);
    CHECK(db("select '$2', $1 -- $3", 1)[0].get<std::string>(0) == "$2");
}

TEST_CASE("SQLite's own placeholders work, too", "[sqlite][parameters]") {
    memory db;

    CHECK(db("select ?, ?", 1, 2).one<std::pair<int, int>>() == std::pair(1, 2));
    CHECK(db("select ?2, ?1", 1, 2).one<std::pair<int, int>>() == std::pair(2, 1));
}

TEST_CASE("a wrong number of parameters says how many are wanted and given", "[sqlite][parameters]") {
    memory db;

    CHECK_THROWS_AS(db("select $1"), sql::parameter_mismatch);
    CHECK_THROWS_WITH(db("select $1, $2", 1),
                      "while running \"select $1, $2\": the statement takes 2 parameters, 1 was given");
    CHECK_THROWS_WITH(db("select 1", 1, 2),
                      "while running \"select 1\": the statement takes 0 parameters, 2 were given");
    CHECK_THROWS_WITH(db("select $1, $3", 1, 2, 3), Catch::Matchers::Contains("uses $3 but not $2"));
}

TEST_CASE("placeholders of other kinds are refused with what to write instead", "[sqlite][parameters]") {
    memory db;

    CHECK_THROWS_WITH(db("select :name", 1),
                      Catch::Matchers::Contains("a placeholder is written $1, $2, …: ':name' is none"));
    CHECK_THROWS_AS(db("select @a", 1), sql::syntax_error);
    CHECK_THROWS_AS(db("select $a", 1), sql::syntax_error);
    CHECK_THROWS_AS(db("select $0", 1), sql::syntax_error);
    CHECK_THROWS_AS(db("select $01", 1), sql::syntax_error);
    CHECK_THROWS_AS(db("select $99999999999999999999", 1), sql::syntax_error);
    CHECK_THROWS_WITH(db("select $1::int", 1), Catch::Matchers::Contains("write cast($1 as …)"));
    CHECK_THROWS_WITH(db("select $1, ?", 1, 2), Catch::Matchers::Contains("all of one kind"));
}

TEST_CASE("exactly one statement is run", "[sqlite][parameters]") {
    memory db;

    CHECK(db("select 1 ; ; -- the end").one<int>() == 1);
    CHECK(db("select 1; /* nothing more */").one<int>() == 1);
    CHECK_THROWS_WITH(db("select 1; select 2"), Catch::Matchers::Contains("more than one statement"));
    CHECK_THROWS_WITH(db("create table t (a); insert into t values (1)"),
                      Catch::Matchers::Contains("more than one statement"));
    CHECK_THROWS_WITH(db(""), Catch::Matchers::Contains("there is no statement"));
    CHECK_THROWS_WITH(db("  -- only a comment"), Catch::Matchers::Contains("there is no statement"));
    CHECK_THROWS_WITH(db(std::string("select 1\0; drop table t", 23)), Catch::Matchers::Contains("zero byte"));
}

TEST_CASE("rows affected are those of this very statement", "[sqlite]") {
    memory db;

    CHECK(db("create table t (a)").rows_affected() == 0);
    CHECK(db("insert into t values (1), (2), (3)").rows_affected() == 3);
    CHECK(db("select * from t").rows_affected() == 0);
    CHECK(db("update t set a = 9 where a = 1").rows_affected() == 1);
    CHECK(db("update t set a = 9 where a = 77").rows_affected() == 0);
    CHECK(db("create table u (a)").rows_affected() == 0);
    CHECK(db("delete from t").rows_affected() == 3);
}

TEST_CASE("a statement with returning gives rows and counts them as affected", "[sqlite]") {
    memory db;
    db("create table t (id integer primary key, a)");

    auto const r = db("insert into t (a) values ($1), ($2) returning id, a", "x", "y");

    CHECK(r.rows_affected() == 2);
    CHECK(r.all<std::pair<int, std::string>>() == std::vector<std::pair<int, std::string>>{{1, "x"}, {2, "y"}});
}

TEST_CASE("a result without rows still has its columns", "[sqlite]") {
    memory db;

    auto const r = db("select 1 as a, 2 as b where 1 = 2");

    CHECK(r.empty());
    CHECK(r.columns() == std::vector<std::string>{"a", "b"});
    CHECK_THROWS_WITH(r.one<int>(), "while running \"select 1 as a, 2 as b where 1 = 2\": no row where one is wanted");
}

TEST_CASE("a statement is prepared once and then found", "[sqlite][cache]") {
    memory db;
    db("create table t (a)");
    auto const before = db.counts.prepared.load();

    for (int i = 0; i < 10; ++i) db("insert into t values ($1)", i);

    CHECK(db.counts.prepared == before + 1);
    CHECK(db("select count(*) from t").one<int>() == 10);
}

TEST_CASE("the least recently used statement leaves the cache first", "[sqlite][cache]") {
    memory db(2);
    auto prepared_by = [&](char const* text) {
        auto before = db.counts.prepared.load();
        db(text);
        return db.counts.prepared - before;
    };
    prepared_by("select 1");
    prepared_by("select 2");
    prepared_by("select 1");
    prepared_by("select 3"); // "select 2" goes

    CHECK(prepared_by("select 1") == 0);
    CHECK(prepared_by("select 3") == 0);
    CHECK(prepared_by("select 2") == 1);
}

TEST_CASE("a cache of no statements prepares each time", "[sqlite][cache]") {
    memory db(0);
    auto const before = db.counts.prepared.load();

    for (int i = 0; i < 3; ++i) CHECK(db("select $1", i).one<int>() == i);

    CHECK(db.counts.prepared == before + 3);
}

TEST_CASE("very long texts are not kept, and run all the same", "[sqlite][cache]") {
    memory db(2);
    std::string const text = "select 1 -- " + std::string(100'000, 'x');

    for (int i = 0; i < 3; ++i) CHECK(db(text).one<int>() == 1);
    CHECK(db("select 2").one<int>() == 2);
    CHECK(db(text).one<int>() == 1);
}

TEST_CASE("a changed schema is seen by statements that were prepared before", "[sqlite][cache]") {
    memory db;
    db("create table t (a)");
    db("insert into t values (1)");
    CHECK(db("select * from t").columns().size() == 1);

    db("alter table t add column b default 7");
    auto const after = db("select * from t");

    CHECK(after.columns() == std::vector<std::string>{"a", "b"});
    CHECK(after.one<std::pair<int, int>>() == std::pair(1, 7));
    db("drop table t");
    CHECK_THROWS_AS(db("select * from t"), sql::undefined_table);
    db("create table t (c)");
    CHECK(db("select * from t").columns() == std::vector<std::string>{"c"});
}

TEST_CASE("a statement that failed can run again", "[sqlite][cache]") {
    memory db;
    db("create table t (a int check (a > 0))");

    CHECK_THROWS_AS(db("insert into t values ($1)", -1), sql::check_violation);
    CHECK_THROWS_AS(db("insert into t values ($1)"), sql::parameter_mismatch);
    CHECK(db("insert into t values ($1)", 1).rows_affected() == 1);
}

TEST_CASE("a script runs all its statements", "[sqlite][script]") {
    memory db;

    db.db.run_script("create table t (a); -- first\n insert into t values (1);;\n/* x */ insert into t values (2)\n");

    CHECK(db("select sum(a) from t").one<int>() == 3);
    CHECK_NOTHROW(db.db.run_script(""));
    CHECK_NOTHROW(db.db.run_script(" -- nothing\n"));
}

TEST_CASE("a script's error names the statement that failed", "[sqlite][script]") {
    memory db;

    CHECK_THROWS_WITH(db.db.run_script("create table t (a);\n  insert into u values (1);\nselect 1"),
                      "while running \"insert into u values (1);\": no such table: u");
    CHECK_THROWS_WITH(db.db.run_script("select $1"), Catch::Matchers::Contains("a script has no parameters"));
    CHECK_THROWS_AS(db.db.run_script("begin; select 1; commit"), std::logic_error);
}

TEST_CASE("a trigger's body is part of its statement", "[sqlite][script]") {
    memory db;

    db.db.run_script("create table t (a); create trigger g after insert on t begin update t set a = a + 1; end;"
                     "insert into t values (1);");

    CHECK(db("select a from t").one<int>() == 2);
    CHECK(db("insert into t values (5)").rows_affected() == 1);
}
