// SPDX-License-Identifier: BSL-1.0
// Files under the real world's loop: statements on worker threads, interrupted where their task is cancelled.
#include <catch2/catch.hpp>

#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/handle.hpp>
#include <effects/live/run.hpp>
#include <effects/sqlite.hpp>

#include <atomic>
#include <thread>

#include "temporary_folder.hpp"

namespace async = effects::async;
namespace live = effects::live;
namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
using effects::perform;

namespace {

constexpr char const* schema = "create table if not exists stock (sku text primary key, qty int not null)";

// Ends by being interrupted only.
constexpr char const* endless =
    "with recursive n(i) as (values (1) union all select i + 1 from n) select count(*) from n";
constexpr char const* endless_insert = "insert into stock with recursive n(i) as (values (1) union all select (i + 1) "
                                       "% 1000 from n) select 'x', 1 from n where i < 0";

int count() { return perform(sql::query("select count(*) from stock")).one<int>(); }

struct oops {};

// Runs `f` as a task, and cancels it where it waits, which is in its first statement on a worker thread.
template <class F>
void cancelled_at_once(F f) {
    CHECK_THROWS_AS(async::task_group([&](async::group& g) {
                        g.spawn(f);
                        throw oops{};
                    }),
                    oops);
}

} // namespace

TEST_CASE("statements on a file run while other tasks go on", "[sqlite][live][file]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema}};

    auto const order = live::run(
        [] {
            std::vector<int> seen;
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    perform(sql::query("insert into stock values ('A1', 1)"));
                    seen.push_back(2);
                });
                seen.push_back(1); // the insert has left its task waiting, not the thread
            });
            seen.push_back(count());
            return seen;
        },
        db);

    CHECK(order == std::vector{1, 2, 1});
}

TEST_CASE("cancelling a task interrupts its select, and the connection stays usable", "[sqlite][live][file][cancel]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema, .readers = 1}};

    live::run(
        [] {
            bool reached = false;
            for (int i = 0; i < 10; ++i)
                cancelled_at_once([&] {
                    perform(sql::query(endless));
                    reached = true;
                });
            CHECK_FALSE(reached);
            CHECK(count() == 0);
        },
        db);
    CHECK(db.statistics().connections <= 2);
}

TEST_CASE("cancelling a task interrupts its write, and the transaction is rolled back",
          "[sqlite][live][file][cancel]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema}};

    live::run(
        [] {
            async::task_group([](async::group& g) {
                bool inserted = false;
                auto task = g.spawn([&] {
                    sql::transaction([&] {
                        perform(sql::query("insert into stock values ('A1', 1)"));
                        inserted = true;
                        perform(sql::query(endless_insert));
                    });
                });
                while (!inserted) async::yield();
                task.cancel();
                task.wait();
            });
            CHECK(count() == 0);
            perform(sql::query("insert into stock values ('B2', 1)"));
            CHECK(count() == 1);
        },
        db);
}

TEST_CASE("many tasks increment one row in transactions, and none is lost", "[sqlite][live][file]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema, .full_sync = false}};

    auto const qty = live::run(
        [] {
            perform(sql::query("insert into stock values ('A1', 0)"));
            async::task_group([](async::group& g) {
                for (int i = 0; i < 50; ++i)
                    g.spawn([] {
                        sql::transaction([] {
                            auto const n = perform(sql::query("select qty from stock")).one<int>();
                            perform(sql::query("update stock set qty = $1", n + 1));
                        });
                        CHECK(count() == 1);
                    });
            });
            return perform(sql::query("select qty from stock")).one<int>();
        },
        db);

    CHECK(qty == 50);
}

TEST_CASE("loops on several threads share one database", "[sqlite][live][file][threads]") {
    temporary_folder folder;
    sqlite::database file{folder.file("shop.db"), {.schema = schema, .full_sync = false, .readers = 2}};
    sqlite::database memory{sqlite::in_memory, {.schema = schema}};
    std::atomic<int> failures = 0; // Catch2's assertions are for one thread

    for (auto* db : {&file, &memory}) {
        auto work = [&, db](int which) {
            try {
                live::run(
                    {.handle_signals = false},
                    [&] {
                        async::task_group([&](async::group& g) {
                            for (int i = 0; i < 20; ++i)
                                g.spawn([&, i] {
                                    sql::transaction([&] {
                                        perform(sql::query("insert into stock values ($1, 1)", which * 1000 + i));
                                        async::yield();
                                        perform(sql::query("update stock set qty = qty + 1"));
                                    });
                                    if (count() < 1) ++failures;
                                });
                        });
                    },
                    *db);
            } catch (...) {
                ++failures;
            }
        };
        std::thread first(work, 1), second(work, 2);
        first.join();
        second.join();

        CHECK(failures == 0);
        auto const total =
            effects::handle([] { return perform(sql::query("select sum(qty) from stock")).one<int>(); }, *db);
        CHECK(total == 40 + 40 * 41 / 2); // each of 40 transactions adds 1 to every row there is
    }
}

TEST_CASE("a transaction in a body that is dropped rolls back", "[sqlite][live][file]") {
    struct ask {
        using result_type = int;
    };
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema}};
    int kept = -1;

    live::run(
        [&] {
            for (int i = 0; i < 50; ++i) {
                effects::handle(
                    [&] {
                        return sql::transaction([&] {
                            perform(sql::query("insert into stock values ($1, 1)", std::to_string(i)));
                            return perform(ask{});
                        });
                    },
                    effects::control<ask>([](ask, auto) { return 1; }));
                perform(sql::query("insert into stock values ($1, 2)", "kept " + std::to_string(i)));
            }
            kept = count();
        },
        db);

    CHECK(kept == 50);
}
