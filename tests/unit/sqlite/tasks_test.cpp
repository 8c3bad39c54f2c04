// SPDX-License-Identifier: BSL-1.0
// Many tasks and one database, in a simulated world: turns, cancellation, time.
#include <catch2/catch.hpp>

#include <effects/async.hpp>
#include <effects/sim/run.hpp>
#include <effects/sqlite.hpp>

#include "temporary_folder.hpp"

namespace async = effects::async;
namespace sim = effects::sim;
namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
using Catch::Matchers::Contains;
using effects::perform;
using namespace std::chrono_literals;

namespace {

constexpr char const* schema = "create table if not exists stock (sku text primary key, qty int not null)";
using list = std::vector<std::string>;

sqlite::database shop() { return sqlite::database{sqlite::in_memory, {.schema = schema}}; }

void insert(std::string const& sku) { perform(sql::query("insert into stock values ($1, 1)", sku)); }
list skus() { return perform(sql::query("select sku from stock order by rowid")).all<std::string>(); }
int count() { return perform(sql::query("select count(*) from stock")).one<int>(); }

} // namespace

TEST_CASE("transactions of several tasks take turns, first come, first served", "[sqlite][async]") {
    auto db = shop();
    auto two = [](char const* name) {
        sql::transaction([&] {
            insert(std::string(name) + "1");
            async::sleep_for(10ms);
            insert(std::string(name) + "2");
        });
    };

    auto const order = sim::run(
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn(two, "a");
                g.spawn(two, "b");
                g.spawn(two, "c");
            });
            return skus();
        },
        db);

    CHECK(order == list{"a1", "a2", "b1", "b2", "c1", "c2"});
}

TEST_CASE("a statement outside waits for the transaction that has the connection", "[sqlite][async]") {
    auto db = shop();

    sim::run(
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn([] {
                    CHECK_THROWS_AS(sql::transaction([] {
                                        insert("A1");
                                        async::sleep_for(10ms);
                                        throw 5;
                                    }),
                                    int);
                });
                CHECK(count() == 0); // after the rollback, not in the midst of it
            });
        },
        db);
}

TEST_CASE("tasks of a group made in a transaction belong to it, and take turns", "[sqlite][async]") {
    auto db = shop();

    sim::run(
        [&] {
            CHECK_THROWS_AS(sql::transaction([] {
                                async::task_group([](async::group& g) {
                                    for (int i = 0; i < 20; ++i)
                                        g.spawn([i] {
                                            async::yield();
                                            insert(std::to_string(i));
                                        });
                                });
                                CHECK(count() == 20);
                                throw 5;
                            }),
                            int);
            CHECK(count() == 0);
        },
        db);
}

TEST_CASE("inner transactions of sibling tasks do not get into each other", "[sqlite][async]") {
    auto db = shop();

    sim::run(
        [&] {
            sql::transaction([] {
                async::task_group([](async::group& g) {
                    g.spawn([] {
                        CHECK_THROWS_AS(sql::transaction([] {
                                            insert("a");
                                            async::sleep_for(10ms);
                                            throw 5;
                                        }),
                                        int);
                    });
                    g.spawn([] {
                        sql::transaction([] {
                            insert("b");
                            async::sleep_for(1ms);
                            insert("c");
                        });
                    });
                    insert("d");
                });
            });
            CHECK(skus() == list{"b", "c", "d"});
        },
        db);
}

TEST_CASE("cancelling a transaction rolls it back and gives the connection on", "[sqlite][async][cancel]") {
    auto db = shop();

    sim::run(
        [&] {
            CHECK_THROWS_AS(async::timeout(10ms,
                                           [] {
                                               sql::transaction([] {
                                                   insert("A1");
                                                   async::sleep_for(1h);
                                               });
                                           }),
                            async::timed_out);
            CHECK(count() == 0);
            sql::transaction([] { insert("B2"); });
            CHECK(skus() == list{"B2"});
        },
        db);
}

TEST_CASE("a transaction in a file rolls back when its task is cancelled, too", "[sqlite][async][cancel][file]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema}};

    sim::run(
        [&] {
            async::task_group([](async::group& g) {
                auto task = g.spawn([] {
                    sql::transaction([] {
                        insert("A1");
                        sql::transaction([] {
                            insert("B2");
                            async::sleep_for(1h);
                        });
                    });
                });
                async::sleep_for(1ms);
                task.cancel();
            });
            CHECK(count() == 0);
            insert("C3");
            CHECK(count() == 1);
        },
        db);
}

TEST_CASE("a task that is cancelled while it waits leaves the queue, and the others go on", "[sqlite][async][cancel]") {
    auto db = shop();

    sim::run(
        [&] {
            async::task_group([](async::group& g) {
                g.spawn([] {
                    sql::transaction([] {
                        insert("a");
                        async::sleep_for(10ms);
                    });
                });
                auto waiting = g.spawn([] { sql::transaction([] { insert("b"); }); });
                g.spawn([] { sql::transaction([] { insert("c"); }); });
                async::sleep_for(1ms);
                waiting.cancel();
            });
            CHECK(skus() == list{"a", "c"});
        },
        db);
}

TEST_CASE("a task that is cancelled as its turn comes gives the turn on", "[sqlite][async][cancel]") {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        auto db = shop();
        auto const left = sim::run(
            {.seed = seed},
            [&] {
                async::task_group([](async::group& g) {
                    g.spawn([] { sql::transaction([] { async::sleep_for(5ms); }); });
                    auto waiting = g.spawn([] { sql::transaction([] { insert("b"); }); });
                    g.spawn([] { sql::transaction([] { insert("c"); }); });
                    async::sleep_for(5ms); // the very instant at which the holder ends
                    waiting.cancel();
                });
                return skus();
            },
            db);
        CAPTURE(seed);
        CHECK(left.back() == "c");
    }
}

TEST_CASE("waiting for a connection has a limit, whose error says who waits for what", "[sqlite][async]") {
    sqlite::database db{sqlite::in_memory, {.schema = schema, .acquire_timeout = 200ms}};

    sim::run(
        [&] {
            // A task that is not in the transaction, which waits for it all the same.
            async::task_group([](async::group& outside) {
                sql::transaction([&] {
                    auto const before = async::now();
                    auto stuck = outside.spawn([] {
                        try {
                            insert("A1");
                            FAIL("got a connection");
                        } catch (sql::lock_not_available const& e) {
                            CHECK_THAT(e.what(), Contains("waited 200 ms for the connection to :memory:"));
                        }
                    });
                    stuck.get();
                    CHECK(async::now() - before == 200ms);
                });
            });
            CHECK_NOTHROW(insert("B2"));
        },
        db);
}

TEST_CASE("a locked file is waited for in the world's time, by this task only", "[sqlite][async][file]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");
    sqlite::database holder{path, {.schema = schema}};
    sqlite::database other{path, {.busy_timeout = 5s}};

    sim::run([&] {
        auto const begun = async::now();
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                effects::handle(
                    [] {
                        sql::transaction([] {
                            insert("A1");
                            async::sleep_for(300ms);
                        });
                    },
                    holder);
            });
            g.spawn([&] {
                async::sleep_for(1ms); // by when the file is locked
                effects::handle([] { insert("B2"); }, other);
            });
        });
        CHECK(async::now() - begun >= 300ms);
        CHECK(async::now() - begun < 450ms);
        CHECK(effects::handle(skus, other) == list{"A1", "B2"});
    });
}

TEST_CASE("a file that stays locked is given up after the busy timeout, in the world's time", "[sqlite][async][file]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");
    sqlite::database holder{path, {.schema = schema}};
    sqlite::database other{path, {.busy_timeout = 5s}};

    sim::run(
        [&] {
            sql::transaction([&] {
                auto const begun = async::now();
                effects::handle([] { CHECK_THROWS_AS(insert("B2"), sql::lock_not_available); }, other);
                CHECK(async::now() - begun == 5s);
            });
        },
        holder);
}

TEST_CASE("wherever a transfer is cancelled, it is done whole or not at all", "[sqlite][async][cancel]") {
    int whole = 0, none = 0;

    for (int limit = 0; limit <= 8; ++limit) {
        sqlite::database db{sqlite::in_memory,
                            {.schema = "create table account (id int primary key, cents int check (cents >= 0));"
                                       "insert into account values (1, 100), (2, 0)"}};
        sim::run(
            [&] {
                async::try_timeout(std::chrono::milliseconds(limit), [] {
                    sql::transaction([] {
                        async::sleep_for(1ms);
                        perform(sql::query("update account set cents = cents - 30 where id = 1"));
                        async::sleep_for(1ms);
                        sql::transaction([] {
                            async::sleep_for(1ms);
                            perform(sql::query("update account set cents = cents + 30 where id = 2"));
                            async::sleep_for(1ms);
                        });
                        async::sleep_for(1ms);
                    });
                    async::sleep_for(1ms);
                });
                auto const cents = perform(sql::query("select cents from account order by id")).all<int>();
                CAPTURE(limit);
                if (cents == std::vector{70, 30})
                    ++whole;
                else if (cents == std::vector{100, 0})
                    ++none;
                else
                    FAIL("half a transfer");
            },
            db);
    }

    CHECK(whole > 0);
    CHECK(none > 0);
    CHECK(whole + none == 9);
}
