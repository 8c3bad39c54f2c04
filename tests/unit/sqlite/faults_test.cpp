// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/handle.hpp>
#include <effects/sqlite.hpp>

#include "temporary_folder.hpp"

namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
using Catch::Matchers::Contains;
using effects::perform;
using namespace std::chrono_literals;

namespace {

constexpr char const* schema = R"(
    create table shop (id integer primary key);
    create table stock (
        sku text not null primary key,
        qty int not null constraint qty_not_negative check (qty >= 0),
        shop int references shop (id),
        slot int,
        unique (shop, slot));)";

// What `f` throws, when it runs with a database that has the schema.
template <class Error, class F>
Error error_of(F f, sqlite::database db = sqlite::database{sqlite::in_memory, {.schema = schema}}) {
    try {
        effects::handle(f, db);
    } catch (Error const& e) {
        return e;
    }
    FAIL("nothing was thrown");
    throw 0;
}

void insert(char const* sku, int qty) { perform(sql::query("insert into stock (sku, qty) values ($1, $2)", sku, qty)); }

} // namespace

TEST_CASE("a syntax error says where", "[sqlite][fault]") {
    auto const e = error_of<sql::syntax_error>([] { perform(sql::query("select * form stock")); });

    CHECK(e.sqlstate() == "42601");
    CHECK(e.position() == 10);
    CHECK_THAT(e.what(), Contains("while running \"select * form stock\"") && Contains("near \"form\": syntax error") &&
                             Contains("at character 10"));
}

TEST_CASE("an unfinished statement and an unknown token are syntax errors", "[sqlite][fault]") {
    error_of<sql::syntax_error>([] { perform(sql::query("select (1")); });
    error_of<sql::syntax_error>([] { perform(sql::query("select 'abc")); });
    error_of<sql::syntax_error>([] { perform(sql::query("insert into stock (sku) values (1, 2)")); });
}

TEST_CASE("unknown tables, columns and functions are told apart", "[sqlite][fault]") {
    CHECK(error_of<sql::undefined_table>([] { perform(sql::query("select * from nowhere")); }).sqlstate() == "42P01");
    CHECK(error_of<sql::undefined_column>([] { perform(sql::query("select nme from stock")); }).sqlstate() == "42703");
    error_of<sql::undefined_column>([] { perform(sql::query("insert into stock (nme) values (1)")); });
    CHECK(error_of<sql::error>([] { perform(sql::query("select nofunc(1)")); }).sqlstate() == "42883");
    CHECK(error_of<sql::error>([] { perform(sql::query("create table stock (a)")); }).sqlstate() == "42P07");
}

TEST_CASE("a misspelt column in double quotes is an error, not a string", "[sqlite][fault]") {
    auto const e = error_of<sql::undefined_column>([] { perform(sql::query("select \"nme\" from stock")); });

    CHECK_THAT(e.what(), Contains("nme"));
}

TEST_CASE("a primary key and a unique constraint name their columns", "[sqlite][fault][constraint]") {
    auto const key = error_of<sql::unique_violation>([] {
        insert("A1", 1);
        insert("A1", 2);
    });
    auto const pair = error_of<sql::unique_violation>([] {
        perform(sql::query("insert into shop values (1)"));
        perform(sql::query("insert into stock values ('a', 1, 1, 1), ('b', 1, 1, 1)"));
    });
    auto const index = error_of<sql::unique_violation>([] {
        perform(sql::query("create unique index stock_lower on stock (lower(sku))"));
        insert("a1", 1);
        insert("A1", 2);
    });

    CHECK(key.constraint() == "stock.sku");
    CHECK(key.table() == "stock");
    CHECK(key.column() == "sku");
    CHECK(pair.constraint() == "stock.shop, stock.slot");
    CHECK(pair.table() == "stock");
    CHECK(pair.column().empty());
    CHECK(index.constraint() == "stock_lower");
}

TEST_CASE("check, not-null and foreign key constraints have classes and names", "[sqlite][fault][constraint]") {
    auto const check = error_of<sql::check_violation>([] { insert("A1", -1); });
    auto const null =
        error_of<sql::not_null_violation>([] { perform(sql::query("insert into stock (sku) values ('A1')")); });
    auto const key = error_of<sql::foreign_key_violation>(
        [] { perform(sql::query("insert into stock (sku, qty, shop) values ('A1', 1, 99)")); });

    CHECK(check.constraint() == "qty_not_negative");
    CHECK(null.column() == "qty");
    CHECK(null.table() == "stock");
    CHECK(key.sqlstate() == "23503");
}

TEST_CASE("every constraint violation is an integrity violation", "[sqlite][fault][constraint]") {
    error_of<sql::integrity_violation>([] { insert("A1", -1); });
    error_of<sql::integrity_violation>([] { insert(nullptr, 1); });
}

TEST_CASE("what a trigger raises arrives with its words", "[sqlite][fault][constraint]") {
    auto const e = error_of<sql::error>([] {
        perform(sql::script("create trigger t before insert on stock begin select raise(abort, 'closed today'); end"));
        insert("A1", 1);
    });

    CHECK(e.sqlstate() == "P0001");
    CHECK_THAT(e.what(), Contains("closed today"));
}

TEST_CASE("parameters are in no message", "[sqlite][fault]") {
    auto const e = error_of<sql::error>([] { insert("hunter2", -1); });

    CHECK_THAT(e.what(), !Contains("hunter2") && Contains("$1"));
}

TEST_CASE("the database works on after every error", "[sqlite][fault]") {
    sqlite::database db{sqlite::in_memory, {.schema = schema}};

    effects::handle(
        [] {
            for (auto bad : {"selec", "select * from nowhere", "insert into stock (sku, qty) values ('A1', -1)",
                             "select 1; select 2", "select $1", "select :a", ""}) {
                CAPTURE(bad);
                CHECK_THROWS_AS(perform(sql::query(bad)), sql::error);
                CHECK(perform(sql::query("select count(*) from stock")).one<int>() == 0);
            }
        },
        db);
}

TEST_CASE("a strict table refuses another type", "[sqlite][fault]") {
    auto const e = error_of<sql::error>([] {
        perform(sql::query("create table s (a int) strict"));
        perform(sql::query("insert into s values ('x')"));
    });

    CHECK(e.code() == sql::errc::datatype_mismatch);
}

TEST_CASE("a folder that is not there is a connection failure that names the path", "[sqlite][fault][file]") {
    temporary_folder folder;

    try {
        sqlite::database db{folder.file("no/such/shop.db")};
        FAIL("opened");
    } catch (sql::connection_failure const& e) {
        CHECK(e.sqlstate() == "08001");
        CHECK_THAT(e.what(),
                   Contains("while opening the database") && Contains("no/such/shop.db") && Contains("unable to open"));
    }
}

TEST_CASE("a file that is not there is not made when that is not wanted", "[sqlite][fault][file]") {
    temporary_folder folder;

    CHECK_THROWS_AS((sqlite::database{folder.file("shop.db"), {.create = false}}), sql::connection_failure);
    CHECK_THROWS_AS((sqlite::database{folder.file("shop.db"), {.read_only = true}}), sql::connection_failure);
    CHECK_THROWS_AS(sqlite::database{""}, sql::connection_failure);
    CHECK_THROWS_AS(sqlite::database{std::string("a\0b", 3)}, sql::connection_failure);
}

TEST_CASE("a file that is no database is corrupt data", "[sqlite][fault][file]") {
    temporary_folder folder;
    auto const path = folder.write("shop.db", std::string(5000, 'x'));

    try {
        sqlite::database db{path};
        FAIL("opened");
    } catch (sql::data_corrupted const& e) {
        CHECK(e.sqlstate() == "XX001");
        CHECK_THAT(e.what(), Contains(path) && Contains("file is not a database"));
    }
}

TEST_CASE("a damaged page is found when it is read, and other tables stay usable", "[sqlite][fault][file]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");
    {
        sqlite::database db{path, {.wal = false}};
        effects::handle(
            [] {
                perform(sql::script("create table good (a); insert into good values (1); create table bad (a);"));
                sql::transaction([] {
                    for (int i = 0; i < 200; ++i)
                        perform(sql::query("insert into bad values ($1)", std::string(500, 'x')));
                });
            },
            db);
    }
    {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096 * 2); // pages 3 and on: the root of `bad`, and its rows
        std::string const garbage(4096 * 10, '\x7f');
        file.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
    }

    sqlite::database db{path, {.wal = false}};
    effects::handle(
        [] {
            CHECK_THROWS_AS(perform(sql::query("select sum(length(a)) from bad")), sql::data_corrupted);
            CHECK(perform(sql::query("select a from good")).one<int>() == 1);
        },
        db);
}

TEST_CASE("a database opened to be read refuses writes", "[sqlite][fault][file]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");
    { sqlite::database made{path, {.schema = schema}}; }

    auto const e = error_of<sql::read_only>([] { insert("A1", 1); }, sqlite::database{path, {.read_only = true}});

    CHECK(e.sqlstate() == "25006");
    effects::handle([] { CHECK(perform(sql::query("select count(*) from stock")).one<int>() == 0); },
                    sqlite::database{path, {.read_only = true}});
}

TEST_CASE("a locked file is tried for the busy timeout, then says so", "[sqlite][fault][file]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");
    sqlite::database holder{path, {.schema = schema, .wal = false}};
    sqlite::database other{path, {.wal = false, .busy_timeout = 3ms}};

    effects::handle(
        [&] {
            sql::transaction([&] {
                auto const e = error_of<sql::lock_not_available>([] { insert("A1", 1); }, std::move(other));
                CHECK(e.sqlstate() == "55P03");
                CHECK(sql::is_transient(e));
                CHECK_THAT(e.what(), Contains("database is locked") && Contains("trying for 3 ms") && Contains(path) &&
                                         Contains("insert into stock"));
            });
        },
        holder);
}

TEST_CASE("a file that is unlocked works again", "[sqlite][fault][file]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");
    sqlite::database holder{path, {.schema = schema}};
    sqlite::database other{path, {.busy_timeout = 0ms}};

    effects::handle(
        [&] {
            auto const held = perform(sql::begin{});
            effects::handle([] { CHECK_THROWS_AS(insert("A1", 1), sql::lock_not_available); }, other);
            perform(sql::rollback{held});
            effects::handle([] { CHECK_NOTHROW(insert("A1", 1)); }, other);
        },
        holder);
}

TEST_CASE("a full disk is disk_full, and the transaction is known to be lost", "[sqlite][fault]") {
    sqlite::database db{sqlite::in_memory, {.schema = schema}};

    effects::handle(
        [] {
            perform(sql::query("create table big (b blob)"));
            auto const pages = perform(sql::query("pragma page_count")).one<int>();
            perform(sql::query("pragma max_page_count = " + std::to_string(pages + 2)));

            CHECK_THROWS_AS(sql::transaction([] {
                                insert("A1", 1);
                                try {
                                    perform(sql::query("insert into big values (zeroblob(1000000))"));
                                } catch (sql::disk_full const& e) {
                                    CHECK(e.sqlstate() == "53100");
                                }
                                perform(sql::query("select 1")); // SQLite has rolled back; this must not run outside
                            }),
                            sql::transaction_aborted);

            CHECK(perform(sql::query("select count(*) from stock")).one<int>() == 0);
            CHECK(perform(sql::query("select count(*) from big")).one<int>() == 0);
        },
        db);
}

TEST_CASE("statements that begin or end transactions are a bug to be told of", "[sqlite][fault]") {
    error_of<std::logic_error>([] { perform(sql::query("begin")); });
    error_of<std::logic_error>([] { perform(sql::query(" /* x */ COMMIT")); });
    error_of<std::logic_error>([] { sql::transaction([] { perform(sql::query("rollback")); }); });
    error_of<std::logic_error>([] { perform(sql::script("savepoint a; select 1")); });
}

TEST_CASE("a schema that fails is an error of the constructor, and makes nothing", "[sqlite][fault][file]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");

    CHECK_THROWS_AS((sqlite::database{path, {.schema = "create table a (x); create tabel b (x);"}}), sql::syntax_error);

    effects::handle([] { CHECK(perform(sql::query("select count(*) from sqlite_schema")).one<int>() == 0); },
                    sqlite::database{path});
}
