// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/handle.hpp>
#include <effects/sqlite.hpp>

#include "temporary_folder.hpp"

namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
using effects::perform;

namespace {

constexpr char const* schema = "create table if not exists stock (sku text primary key, qty int not null)";

int count() { return perform(sql::query("select count(*) from stock")).one<int>(); }

} // namespace

TEST_CASE("what was committed to a file is there when it is opened again", "[sqlite][file]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");

    for (int opened = 0; opened < 3; ++opened)
        effects::handle(
            [&] {
                CHECK(count() == opened);
                perform(sql::query("insert into stock values ($1, 1)", opened));
            },
            sqlite::database{path, {.schema = schema}});
}

TEST_CASE("a file is in WAL mode unless that is not wanted", "[sqlite][file]") {
    temporary_folder folder;
    auto mode = [] { return perform(sql::query("pragma journal_mode")).one<std::string>(); };

    CHECK(effects::handle(mode, sqlite::database{folder.file("a.db")}) == "wal");
    CHECK(effects::handle(mode, sqlite::database{folder.file("b.db"), {.wal = false}}) == "delete");
    CHECK(effects::handle(mode, sqlite::database{sqlite::in_memory}) == "memory");
}

TEST_CASE("foreign keys are enforced unless that is not wanted", "[sqlite][file]") {
    constexpr char const* keys = "create table a (id integer primary key); create table b (a int references a (id))";
    auto insert = [] { return perform(sql::query("insert into b values (1)")).rows_affected(); };

    CHECK_THROWS_AS(effects::handle(insert, sqlite::database{sqlite::in_memory, {.schema = keys}}),
                    sql::foreign_key_violation);
    CHECK(effects::handle(insert, sqlite::database{sqlite::in_memory, {.schema = keys, .foreign_keys = false}}) == 1);
}

TEST_CASE("selects read beside an open transaction, and see what was committed", "[sqlite][file]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema}};

    effects::handle(
        [] {
            auto const open = perform(sql::begin{});
            perform(sql::query("insert into stock values ('A1', 1)").in(open));

            CHECK(count() == 0);
            perform(sql::commit{open});
            CHECK(count() == 1);
        },
        db);

    CHECK(db.statistics().connections == 2);
}

TEST_CASE("without readers one connection does all", "[sqlite][file]") {
    temporary_folder folder;
    sqlite::database none{folder.file("a.db"), {.schema = schema, .readers = 0}};
    sqlite::database no_wal{folder.file("b.db"), {.schema = schema, .wal = false}};

    for (auto* db : {&none, &no_wal}) {
        effects::handle([] { CHECK(count() == 0); }, *db);
        CHECK(db->statistics().connections == 1);
    }
}

TEST_CASE("what looks like a select and writes is run where writing is allowed", "[sqlite][file]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema}};

    effects::handle(
        [] {
            auto const r = perform(
                sql::query("with new (s) as (values ('A1')) insert into stock select s, 5 from new returning qty"));
            CHECK(r.one<int>() == 5);
            CHECK(r.rows_affected() == 1);
        },
        db);
}

TEST_CASE("temporary tables are found, though readers can't see them", "[sqlite][file]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema}};

    effects::handle(
        [] {
            perform(sql::query("create temp table t (a)"));
            perform(sql::query("insert into t values (7)"));
            CHECK(perform(sql::query("select a from t")).one<int>() == 7);
        },
        db);
}

TEST_CASE("last_insert_rowid tells of the insert before it, in a file too", "[sqlite][file]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = "create table t (id integer primary key)"}};

    effects::handle(
        [] {
            perform(sql::query("insert into t values (41)"));
            CHECK(perform(sql::query("select last_insert_rowid()")).one<int>() == 41);
        },
        db);
}

TEST_CASE("a read-only transaction sees one moment, and can't write", "[sqlite][file][transaction]") {
    temporary_folder folder;
    sqlite::database db{folder.file("shop.db"), {.schema = schema}};
    auto insert = [](char const* sku) { perform(sql::query("insert into stock values ($1, 1)", sku)); };

    effects::handle(
        [&] {
            auto const snapshot = perform(sql::begin{{.read_only = true}});
            auto counted = [&] { return perform(sql::query("select count(*) from stock").in(snapshot)).one<int>(); };
            CHECK(counted() == 0);
            insert("A1");
            CHECK(counted() == 0);
            CHECK(count() == 1);
            CHECK_THROWS_AS(perform(sql::query("delete from stock").in(snapshot)), sql::read_only);
            perform(sql::commit{snapshot});
            CHECK(count() == 1);
            CHECK_NOTHROW(insert("B2"));
        },
        db);
}

TEST_CASE("a read-only transaction can't write in memory either, and the next one can", "[sqlite][transaction]") {
    sqlite::database db{sqlite::in_memory, {.schema = schema}};

    effects::handle(
        [] {
            CHECK_THROWS_AS(sql::transaction({.read_only = true},
                                             [] { perform(sql::query("insert into stock values ('A1', 1)")); }),
                            sql::read_only);
            CHECK_NOTHROW(perform(sql::query("insert into stock values ('A1', 1)")));
        },
        db);
}

TEST_CASE("a select sees a temporary table that hides another one of its name", "[sqlite][file]") {
    temporary_folder folder;
    effects::handle(
        [] {
            perform(sql::query("insert into stock values ('a', 1)"));
            CHECK(count() == 1);
            perform(sql::query("create temp table stock (sku text)"));
            CHECK(count() == 0);
            sql::transaction({.read_only = true}, [] { CHECK(count() == 0); });
        },
        sqlite::database{folder.file("shop.db"), {.schema = schema}});
}

TEST_CASE("a select sees what a script, an attached database or a setting changed on the connection",
          "[sqlite][file]") {
    temporary_folder folder;
    auto one = [](char const* text) { return perform(sql::query(text)).one<int>(); };
    auto like = [&] { return one("select 'A' like 'a'"); };
    auto in_file = [&](char const* name, auto body) {
        effects::handle(body, sqlite::database{folder.file(name), {.schema = schema}});
    };

    in_file("a.db", [&] {
        perform(sql::script("create temp view stock as select 1 as sku union all select 2"));
        CHECK(count() == 2);
    });
    in_file("b.db", [&] {
        perform(sql::query("attach ':memory:' as other"));
        perform(sql::query("create table other.stock2 (a int)"));
        CHECK(one("select count(*) from stock2") == 0);
    });
    in_file("c.db", [&] {
        CHECK(like() == 1);
        perform(sql::query("pragma case_sensitive_like = on"));
        CHECK(like() == 0);
    });
}
