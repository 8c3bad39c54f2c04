// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/handle.hpp>
#include <effects/sqlite.hpp>

#include <thread>

namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
using effects::perform;

namespace {

struct line {
    std::string sku;
    int qty;
    bool operator==(line const&) const = default;
};

constexpr char const* schema = "create table stock (sku text primary key, qty int not null)";

} // namespace

TEST_CASE("business logic runs against a database in memory, without any scheduler", "[sqlite]") {
    auto take = [](std::string const& sku, int n) {
        auto stock = perform(sql::query("select qty from stock where sku = $1", sku)).one<int>();
        if (stock < n) return stock;
        perform(sql::query("update stock set qty = qty - $1 where sku = $2", n, sku));
        return perform(sql::query("select qty from stock where sku = $1", sku)).one<int>();
    };
    sqlite::database db{sqlite::in_memory, {.schema = schema}};

    auto const left = effects::handle(
        [&] {
            perform(sql::query("insert into stock values ('A1', 5)"));
            return take("A1", 2);
        },
        db);

    CHECK(left == 3);
}

TEST_CASE("a database is moved into handle, or borrowed and used again", "[sqlite]") {
    sqlite::database db{":memory:"};

    effects::handle([] { perform(sql::script("create table t (a)")); }, db);
    effects::handle([] { CHECK(perform(sql::query("select count(*) from t")).one<int>() == 0); }, db);
    sqlite::database moved = std::move(db);
    effects::handle([] { CHECK(perform(sql::query("select count(*) from t")).one<int>() == 0); }, std::move(moved));
}

TEST_CASE("two databases in memory have nothing in common", "[sqlite]") {
    sqlite::database a{sqlite::in_memory, {.schema = schema}};
    sqlite::database b{sqlite::in_memory};

    effects::handle([] { CHECK_THROWS_AS(perform(sql::query("select * from stock")), sql::undefined_table); }, b);
    CHECK(a.path() == ":memory:");
}

TEST_CASE("a hundred thousand rows are read into structs", "[sqlite]") {
    sqlite::database db{sqlite::in_memory};

    auto const lines = effects::handle(
        [] {
            return perform(sql::query("with recursive n(i) as (values (1) union all select i + 1 from n where i < $1) "
                                      "select 'sku ' || i, i from n",
                                      100'000))
                .all<line>();
        },
        db);

    REQUIRE(lines.size() == 100'000);
    CHECK(lines.front() == line{"sku 1", 1});
    CHECK(lines.back() == line{"sku 100000", 100'000});
}

TEST_CASE("a script that fails leaves nothing behind", "[sqlite][script]") {
    sqlite::database db{sqlite::in_memory};

    effects::handle(
        [] {
            CHECK_THROWS_AS(
                perform(sql::script("create table a (x); insert into a values (1); insert into b values (2)")),
                sql::undefined_table);
            CHECK(perform(sql::query("select count(*) from sqlite_schema")).one<int>() == 0);
        },
        db);
}

TEST_CASE("a middleware sees every statement and passes it on", "[sqlite]") {
    std::vector<std::string> seen;
    sqlite::database db{sqlite::in_memory, {.schema = schema}};

    effects::handle(
        [] {
            sql::transaction([] { perform(sql::query("insert into stock values ('A1', 5)")); });
            CHECK(perform(sql::query("select count(*) from stock")).one<int>() == 1);
        },
        effects::on<sql::query>([&](sql::query q) {
            seen.push_back(q.text());
            return perform(std::move(q));
        }),
        db);

    CHECK(seen == std::vector<std::string>{"insert into stock values ('A1', 5)", "select count(*) from stock"});
}

TEST_CASE("last_insert_rowid tells of the insert before it", "[sqlite]") {
    sqlite::database db{sqlite::in_memory, {.schema = "create table t (id integer primary key)"}};

    effects::handle(
        [] {
            perform(sql::query("insert into t values (41)"));
            CHECK(perform(sql::query("select last_insert_rowid()")).one<int>() == 41);
        },
        db);
}

TEST_CASE("threads without a scheduler share a database", "[sqlite][threads]") {
    sqlite::database db{sqlite::in_memory, {.schema = schema}};
    effects::handle([] { perform(sql::query("insert into stock values ('A1', 0)")); }, db);
    auto work = [&db] {
        for (int i = 0; i < 200; ++i)
            effects::handle(
                [] {
                    sql::transaction([] {
                        auto qty = perform(sql::query("select qty from stock")).one<int>();
                        perform(sql::query("update stock set qty = $1", qty + 1));
                    });
                },
                db);
    };

    std::thread first(work), second(work), third(work);
    first.join();
    second.join();
    third.join();

    effects::handle([] { CHECK(perform(sql::query("select qty from stock")).one<int>() == 600); }, db);
}

TEST_CASE("statistics count statements prepared and reused", "[sqlite]") {
    sqlite::database db{sqlite::in_memory};
    auto const before = db.statistics();

    effects::handle(
        [] {
            for (int i = 0; i < 5; ++i) perform(sql::query("select $1", i));
        },
        db);

    CHECK(db.statistics().prepared == before.prepared + 1);
    CHECK(db.statistics().reused == before.reused + 4);
    CHECK(db.statistics().connections == 1);
}
