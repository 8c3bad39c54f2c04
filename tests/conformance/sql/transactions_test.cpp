// SPDX-License-Identifier: BSL-1.0
#include <stdexcept>

#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/retry.hpp>
#include <effects/async/sleep.hpp>

#include "databases.hpp"

namespace async = effects::async;
namespace sql = effects::sql;
using effects::perform;

namespace {

void make_table() { perform(sql::script("create table t (a int not null unique)")); }
void insert(int a) { perform(sql::query("insert into t values ($1)", a)); }
std::vector<int> rows() { return perform(sql::query("select a from t order by a")).all<int>(); }
using list = std::vector<int>;

struct oops : std::runtime_error {
    oops() : std::runtime_error("oops") {}
};

} // namespace

ON_EVERY_DATABASE("what a transaction did lasts when it returns, and its value comes out", "[sql][transactions]") {
    make_table();

    CHECK(sql::transaction([] {
              insert(1);
              insert(2);
              return rows().size();
          }) == 2);

    CHECK(rows() == list{1, 2});
}

ON_EVERY_DATABASE("an exception undoes all of a transaction, and goes on", "[sql][transactions]") {
    make_table();
    insert(1);

    CHECK_THROWS_AS(sql::transaction([] {
                        insert(2);
                        perform(sql::query("delete from t where a = 1"));
                        CHECK(rows() == list{2});
                        throw oops();
                    }),
                    oops);

    CHECK(rows() == list{1});
    sql::transaction([] { insert(3); });
    CHECK(rows() == list{1, 3});
}

ON_EVERY_DATABASE("a transaction in another can be undone by itself, and is undone with it", "[sql][transactions]") {
    make_table();

    sql::transaction([] {
        insert(1);
        sql::transaction([] { insert(2); });
        CHECK_THROWS_AS(sql::transaction([] {
                            insert(3);
                            sql::transaction([] { insert(4); });
                            throw oops();
                        }),
                        oops);
        insert(5);
        CHECK(rows() == list{1, 2, 5});
    });
    CHECK(rows() == list{1, 2, 5});

    CHECK_THROWS_AS(sql::transaction([] {
                        sql::transaction([] { insert(6); });
                        throw oops();
                    }),
                    oops);
    CHECK(rows() == list{1, 2, 5});
}

ON_EVERY_DATABASE("a task that is cancelled in mid-transaction undoes it, and the database goes on",
                  "[sql][transactions][cancel]") {
    make_table();

    for (int depth = 0; depth < 2; ++depth) {
        async::task_group([&](async::group& g) {
            async::event in_it;
            auto t = g.spawn([&] {
                sql::transaction([&] {
                    insert(1);
                    auto wait = [&] {
                        in_it.set();
                        async::event().wait();
                    };
                    if (depth == 0)
                        wait();
                    else
                        sql::transaction([&] {
                            insert(2);
                            wait();
                        });
                });
            });
            in_it.wait();
            t.cancel();
            t.wait();
        });
        CHECK(rows().empty());
    }
    sql::transaction([] { insert(3); });
    CHECK(rows() == list{3});
}

ON_EVERY_DATABASE("a cancellation that is swallowed in a transaction comes again, and nothing lasts",
                  "[sql][transactions][cancel]") {
    make_table();
    bool reached = false;

    async::task_group([&](async::group& g) {
        async::event in_it;
        auto t = g.spawn([&] {
            sql::transaction([&] {
                insert(1);
                in_it.set();
                try {
                    async::event().wait();
                } catch (...) {
                }
                insert(2);
                reached = true;
            });
        });
        in_it.wait();
        t.cancel();
        t.wait();
    });

    CHECK_FALSE(reached);
    CHECK(rows().empty());
}

ON_EVERY_DATABASE("a task that is cancelled at the end of its transaction commits nothing",
                  "[sql][transactions][cancel]") {
    make_table();

    async::task_group([](async::group& g) {
        CHECK_THROWS_AS(sql::transaction([&] {
                            insert(1);
                            g.cancel();
                        }),
                        async::cancelled);
    });

    CHECK(rows().empty());
}

ON_EVERY_DATABASE("a task that is cancelled already starts no statement", "[sql][cancel]") {
    make_table();

    async::task_group([](async::group& g) {
        g.cancel();
        CHECK_THROWS_AS(insert(1), async::cancelled);
        CHECK_THROWS_AS(rows(), async::cancelled);
        CHECK_THROWS_AS(perform(sql::script("insert into t values (2)")), async::cancelled);
        CHECK_THROWS_AS(sql::transaction([] { FAIL("not reached"); }), async::cancelled);
    });

    CHECK(rows().empty());
}

ON_EVERY_DATABASE("an error that leaves a transaction undoes it", "[sql][transactions][failures]") {
    make_table();

    CHECK_THROWS_AS(sql::transaction([] {
                        insert(1);
                        insert(1);
                    }),
                    sql::unique_violation);

    CHECK(rows().empty());
    insert(1);
    CHECK(rows() == list{1});
}

ON_EVERY_DATABASE("after an error in a transaction further statements do as the database has it",
                  "[sql][transactions][failures]") {
    make_table();
    auto const swallowing = [&] {
        sql::transaction([&] {
            insert(1);
            CHECK_THROWS_AS(insert(1), sql::unique_violation);
            CHECK_THROWS_AS(perform(sql::query("selec")), sql::error);
            insert(2);
        });
    };

    if (in.error_ends_transaction) {
        CHECK_THROWS_AS(swallowing(), sql::error);
        CHECK(rows().empty());
    } else {
        swallowing();
        CHECK(rows() == list{1, 2});
    }
}

ON_EVERY_DATABASE("an error in an inner transaction leaves the outer one usable", "[sql][transactions][failures]") {
    make_table();

    sql::transaction([] {
        insert(1);
        CHECK_THROWS_AS(sql::transaction([] {
                            insert(2);
                            insert(1);
                        }),
                        sql::unique_violation);
        insert(3);
    });

    CHECK(rows() == list{1, 3});
}

ON_EVERY_DATABASE("a commit that fails throws, and nothing lasts", "[sql][transactions][failures]") {
    perform(sql::script("create table shop (id int primary key);"
                        "create table t (a int references shop (id) deferrable initially deferred)"));

    CHECK_THROWS_AS(sql::transaction([] {
                        insert(99);
                        CHECK(rows() == list{99});
                    }),
                    sql::foreign_key_violation);

    CHECK(rows().empty());
    sql::transaction([] {
        insert(1);
        perform(sql::query("insert into shop values (1)"));
    });
    CHECK(rows() == list{1});
}

ON_EVERY_DATABASE("a transaction that only reads refuses to write", "[sql][transactions]") {
    make_table();
    insert(1);

    CHECK_THROWS_AS(sql::transaction({.read_only = true}, [] { insert(2); }), sql::read_only);

    CHECK(sql::transaction({.read_only = true}, [] { return rows(); }) == list{1});
    insert(3); // and the next one writes
    CHECK(rows() == list{1, 3});
}

ON_EVERY_DATABASE("transactions of several tasks do not mix, and no increment is lost", "[sql][transactions]") {
    perform(sql::script("create table t (a int); insert into t values (0)"));

    async::task_group([](async::group& g) {
        for (int i = 0; i < 20; ++i)
            g.spawn([] {
                auto const increment = [] {
                    sql::transaction({.isolation = sql::isolation::serializable}, [] {
                        auto const a = perform(sql::query("select a from t")).one<int>();
                        async::yield();
                        perform(sql::query("update t set a = $1", a + 1));
                    });
                };
                async::retry({.attempts = 100}, increment);
            });
    });

    CHECK(rows() == list{20});
}

ON_EVERY_DATABASE("tasks in one transaction belong to it, and take turns", "[sql][transactions]") {
    make_table();

    CHECK_THROWS_AS(sql::transaction([] {
                        async::task_group([](async::group& g) {
                            for (int i = 0; i < 5; ++i)
                                g.spawn([i] {
                                    sql::transaction([i] {
                                        insert(10 * i);
                                        async::yield();
                                        insert(10 * i + 1);
                                        if (i % 2) async::yield();
                                    });
                                });
                        });
                        CHECK(rows().size() == 10);
                        throw oops();
                    }),
                    oops);

    CHECK(rows().empty());
}

ON_EVERY_DATABASE("a session that has ended takes no more statements", "[sql][transactions]") {
    make_table();

    auto const s = perform(sql::begin{});
    perform(sql::query("insert into t values (1)").in(s));
    perform(sql::commit{s});
    CHECK_THROWS_AS(perform(sql::query("insert into t values (2)").in(s)), std::logic_error);
    CHECK_NOTHROW(perform(sql::rollback{s})); // too late, and no harm
    {
        auto const dropped = perform(sql::begin{});
        perform(sql::query("insert into t values (3)").in(dropped));
    }

    CHECK(rows() == list{1});
}
