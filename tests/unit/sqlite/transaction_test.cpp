// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/handle.hpp>
#include <effects/sqlite.hpp>

#include <optional>

namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
using Catch::Matchers::Contains;
using effects::perform;

namespace {

struct oops {};

sqlite::database shop() {
    return sqlite::database{sqlite::in_memory,
                            {.schema =
                                 "create table stock (sku text primary key, qty int not null);"
                                 "create table parent (id integer primary key);"
                                 "create table child (id int references parent (id) deferrable initially deferred)"}};
}

void insert(std::string const& sku) { perform(sql::query("insert into stock values ($1, 1)", sku)); }

std::vector<std::string> skus() { return perform(sql::query("select sku from stock order by sku")).all<std::string>(); }

using list = std::vector<std::string>;

} // namespace

TEST_CASE("a transaction commits when its function returns, and gives its value", "[sqlite][transaction]") {
    effects::handle(
        [] {
            auto const n = sql::transaction([] {
                insert("A1");
                insert("B2");
                return skus().size();
            });
            CHECK(n == 2);
            CHECK(skus() == list{"A1", "B2"});
        },
        shop());
}

TEST_CASE("a transaction rolls back when an exception leaves it, of whatever type", "[sqlite][transaction]") {
    effects::handle(
        [] {
            CHECK_THROWS_AS(sql::transaction([] {
                                insert("A1");
                                throw oops{};
                            }),
                            oops);
            CHECK_THROWS_AS(sql::transaction([] {
                                insert("A1");
                                insert("A1");
                            }),
                            sql::unique_violation);
            CHECK(skus().empty());
        },
        shop());
}

TEST_CASE("a statement that failed and was caught leaves the transaction alive", "[sqlite][transaction]") {
    effects::handle(
        [] {
            sql::transaction([] {
                insert("A1");
                CHECK_THROWS_AS(insert("A1"), sql::unique_violation);
                insert("B2");
            });
            CHECK(skus() == list{"A1", "B2"});
        },
        shop());
}

TEST_CASE("an inner transaction rolls back alone", "[sqlite][transaction]") {
    effects::handle(
        [] {
            sql::transaction([] {
                insert("A1");
                CHECK_THROWS_AS(sql::transaction([] {
                                    insert("B2");
                                    sql::transaction([] { insert("C3"); });
                                    throw oops{};
                                }),
                                oops);
                CHECK(skus() == list{"A1"});
                sql::transaction([] { insert("D4"); });
            });
            CHECK(skus() == list{"A1", "D4"});
        },
        shop());
}

TEST_CASE("an outer transaction takes what inner ones committed back with it", "[sqlite][transaction]") {
    effects::handle(
        [] {
            CHECK_THROWS_AS(sql::transaction([] {
                                sql::transaction([] { sql::transaction([] { insert("A1"); }); });
                                throw oops{};
                            }),
                            oops);
            CHECK(skus().empty());
        },
        shop());
}

TEST_CASE("a commit that fails is reported, and nothing was done", "[sqlite][transaction]") {
    effects::handle(
        [] {
            CHECK_THROWS_AS(sql::transaction([] {
                                insert("A1");
                                perform(sql::query("insert into child values (99)")); // checked at the commit
                            }),
                            sql::foreign_key_violation);
            CHECK(skus().empty());
            sql::transaction([] { insert("B2"); });
            CHECK(skus() == list{"B2"});
        },
        shop());
}

TEST_CASE("a script in a transaction fails as a whole and leaves the transaction alive",
          "[sqlite][transaction][script]") {
    effects::handle(
        [] {
            sql::transaction([] {
                insert("A1");
                CHECK_THROWS_AS(
                    perform(sql::script("insert into stock values ('B2', 1); insert into nowhere values (1)")),
                    sql::undefined_table);
                perform(sql::script("insert into stock values ('C3', 1); insert into stock values ('D4', 1)"));
            });
            CHECK(skus() == list{"A1", "C3", "D4"});
        },
        shop());
}

TEST_CASE("a session that has ended takes no statements, and says so", "[sqlite][transaction]") {
    effects::handle(
        [] {
            auto const s = perform(sql::begin{});
            perform(sql::query("insert into stock values ('A1', 1)").in(s));
            perform(sql::commit{s});

            CHECK_THROWS_AS(perform(sql::query("select 1").in(s)), std::logic_error);
            CHECK_THROWS_WITH(perform(sql::query("select 1").in(s)), Contains("the transaction has ended"));
            CHECK_THROWS_AS(perform(sql::script("select 1").in(s)), std::logic_error);
            CHECK_THROWS_AS(perform(sql::begin{{}, s}), std::logic_error);
            CHECK_THROWS_AS(perform(sql::commit{s}), std::logic_error);
            CHECK_NOTHROW(perform(sql::rollback{s}));
            CHECK(skus() == list{"A1"});
        },
        shop());
}

TEST_CASE("a session that is dropped is rolled back, and so is one inside another", "[sqlite][transaction]") {
    effects::handle(
        [] {
            {
                auto const s = perform(sql::begin{});
                perform(sql::query("insert into stock values ('A1', 1)").in(s));
            }
            CHECK(skus().empty());
            auto const outer = perform(sql::begin{});
            perform(sql::query("insert into stock values ('B2', 1)").in(outer));
            {
                auto const inner = perform(sql::begin{{}, outer});
                perform(sql::query("insert into stock values ('C3', 1)").in(inner));
            }
            perform(sql::commit{outer});
            CHECK(skus() == list{"B2"});
        },
        shop());
}

TEST_CASE("a session keeps the database that it belongs to", "[sqlite][transaction]") {
    sql::session kept;
    effects::handle([&] { kept = perform(sql::begin{}); }, shop());

    CHECK_NOTHROW(kept = {});
}

TEST_CASE("a session of another database is a bug to be told of", "[sqlite][transaction]") {
    effects::handle(
        [] {
            auto const foreign = perform(sql::begin{});
            effects::handle(
                [&] {
                    CHECK_THROWS_WITH(perform(sql::query("select 1").in(foreign)),
                                      Contains("another database handler"));
                    CHECK_THROWS_AS(perform(sql::commit{foreign}), std::logic_error);
                    CHECK_THROWS_AS(perform(sql::begin{{}, foreign}), std::logic_error);
                },
                shop());
        },
        shop());
}

TEST_CASE("commit and rollback of no transaction are bugs to be told of", "[sqlite][transaction]") {
    effects::handle(
        [] {
            CHECK_THROWS_AS(perform(sql::commit{}), std::logic_error);
            CHECK_THROWS_AS(perform(sql::rollback{}), std::logic_error);
        },
        shop());
}

TEST_CASE("a statement outside an open transaction of the same thread fails instead of waiting for ever",
          "[sqlite][transaction]") {
    effects::handle(
        [] {
            auto const s = perform(sql::begin{});

            CHECK_THROWS_AS(perform(sql::query("select 1")), std::logic_error);
            CHECK_THROWS_WITH(perform(sql::query("select 1")), Contains("waiting for the database without end"));
            perform(sql::rollback{s});
            CHECK(perform(sql::query("select 1")).one<int>() == 1);
        },
        shop());
}

TEST_CASE("a body that is dropped in a transaction rolls back", "[sqlite][transaction]") {
    struct pause {
        using result_type = void;
    };
    auto db = shop();

    effects::handle(
        [&] {
            effects::handle<void>(
                [] {
                    sql::transaction([] {
                        insert("A1");
                        perform(pause{});
                        insert("B2");
                    });
                },
                effects::control<pause>([](pause, auto) {})); // drops the resumption
            CHECK(skus().empty());
            sql::transaction([] { insert("C3"); });
            CHECK(skus() == list{"C3"});
        },
        db);
}

TEST_CASE("a handler inside a transaction answers its queries first", "[sqlite][transaction]") {
    effects::handle(
        [] {
            sql::transaction([] {
                auto const n = effects::handle([] { return perform(sql::query("select 1")).one<int>(); },
                                               [](sql::query const&) -> sql::result {
                                                   return sql::table{{"n"}, {{42}}};
                                               });
                CHECK(n == 42);
            });
        },
        shop());
}
