// SPDX-License-Identifier: BSL-1.0
// What can be wrong with a database's file: an error that says what and which file, after which the program goes on with no
// descriptor lost.
#include <filesystem>

#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/handle.hpp>
#include <effects/perform.hpp>
#include <effects/sqlite.hpp>

#include <support/network_worlds.hpp>
#include <unit/sqlite/temporary_folder.hpp>

namespace async = effects::async;
namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using effects::handle;
using effects::perform;
using namespace std::chrono_literals;

namespace {

constexpr char const* schema = "create table if not exists t (a int not null unique)";

int count() { return perform(sql::query("select count(*) from t")).one<int>(); }
void insert(int a) { perform(sql::query("insert into t values ($1)", a)); }

/// A closed database file of some hundred pages.
std::string filled(temporary_folder const& in, char const* name) {
    auto path = in.file(name);
    sqlite::database db{path, {.schema = schema, .wal = false, .full_sync = false}};
    handle(
        [] {
            sql::transaction([] {
                perform(sql::script("create table wide (text text)"));
                for (int i = 0; i < 300; ++i)
                    perform(sql::query("insert into wide values ($1)", std::string(2000, 'x')));
                insert(1);
            });
        },
        db);
    return path;
}

void overwrite(std::string const& path, std::uintmax_t from, std::string const& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(from));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The error of opening such a file, or of reading all that is in it.
sql::data_corrupted damage_found(std::string const& path) {
    try {
        sqlite::database db{path, {.create = false}};
        handle(
            [] {
                perform(sql::query("select sum(length(text)) from wide"));
                perform(sql::query("select sum(a) from t"));
            },
            db);
    } catch (sql::data_corrupted const& e) {
        CHECK(e.sqlstate() == "XX001");
        CHECK_THAT(e.what(), Contains(path) && (StartsWith("while opening the database " + path + ": ") ||
                                                Contains("while running \"select sum(length(text)) from wide\": ")));
        return e;
    }
    FAIL("the damage was not found");
    throw 0;
}

/// Others go on.
void check_going_on(temporary_folder const& folder) {
    sqlite::database other{folder.file("other.db"), {.schema = schema}};
    handle(
        [] {
            sql::transaction([] { insert(count()); });
            CHECK(count() > 0);
        },
        other);
}

} // namespace

EFFECTS_OVER_BOTH_NETWORKS("a file that is not a database is an error that names it", "[sqlite][file][faults]") {
    temporary_folder folder;
    for (auto const& content : {std::string(5000, 'x'), std::string("<!DOCTYPE html>\n") + std::string(600, ' '),
                                std::string("SQLite format 2") + std::string(1000, '\0')}) {
        auto const path = folder.write("bad.db", content);

        auto const e = damage_found(path);

        CHECK_THAT(e.what(), StartsWith("while opening the database " + path + ": ") && Contains("not a database"));
        CHECK(std::filesystem::file_size(path) == content.size()); // left as it was
        check_going_on(folder);
    }
}

EFFECTS_OVER_BOTH_NETWORKS("a database file that is truncated is an error that names it", "[sqlite][file][faults]") {
    temporary_folder folder;
    for (std::uintmax_t left : {50u, 100u, 4096u, 4096u * 3 + 17, 4096u * 60}) {
        CAPTURE(left);
        auto const path = filled(folder, "cut.db");
        std::filesystem::resize_file(path, left);

        damage_found(path);

        check_going_on(folder);
        std::filesystem::remove(path);
    }
}

EFFECTS_OVER_BOTH_NETWORKS("a database file with garbage in it is an error that names it", "[sqlite][file][faults]") {
    temporary_folder folder;
    for (std::uintmax_t from : {16u, 100u, 4096u * 3}) {
        CAPTURE(from);
        auto const path = filled(folder, "bad.db");
        overwrite(path, from, std::string(4096 * 20, '\xa5'));

        damage_found(path);

        check_going_on(folder);
        std::filesystem::remove(path);
    }
}

EFFECTS_OVER_BOTH_NETWORKS(
    "a file that is damaged while it is open is an error of the statement, and the handler goes on",
    "[sqlite][file][faults]") {
    temporary_folder folder;
    auto const path = filled(folder, "shop.db");
    sqlite::database db{path, {.wal = false}};
    overwrite(path, 4096 * 4, std::string(4096 * 20, '\xa5'));

    handle(
        [&] {
            try {
                perform(sql::query("select sum(length(text)) from wide where text <> $1", "hunter2"));
                FAIL("the damage was not found");
            } catch (sql::data_corrupted const& e) {
                CHECK_THAT(e.what(),
                           StartsWith("while using the database " + path + ": ") &&
                               Contains("while running \"select sum(length(text)) from wide where text <> $1\"") &&
                               !Contains("hunter2"));
            }
            CHECK(count() == 1);
            CHECK(perform(sql::query("select 7")).one<int>() == 7);
        },
        db);
    CHECK(db.statistics().connections == 1);
}

EFFECTS_OVER_BOTH_NETWORKS("a file that another holds locked is an error that says how long it was tried",
                           "[sqlite][file][faults]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");
    sqlite::database holder{path, {.schema = schema}};
    sqlite::database db{path, {.busy_timeout = 5ms}};

    handle(
        [&] {
            auto const held = perform(sql::begin{});
            perform(sql::query("insert into t values (1)").in(held));
            handle(
                [&] {
                    for (int i = 0; i < 3; ++i) {
                        try {
                            perform(sql::query("insert into t values ($1)", "hunter2"));
                            FAIL("the file is locked");
                        } catch (sql::lock_not_available const& e) {
                            CHECK(e.sqlstate() == "55P03");
                            CHECK(sql::is_transient(e));
                            CHECK_THAT(e.what(), StartsWith("while using the database " + path +
                                                            ": while trying for 5 ms: while running \"insert into t "
                                                            "values ($1)\": database is locked") &&
                                                     !Contains("hunter2"));
                        }
                        CHECK_THROWS_AS(sql::transaction([] { insert(2); }), sql::lock_not_available);
                        CHECK(count() == 0); // readers don't wait for the writer
                    }
                },
                db);
            perform(sql::commit{held});
            handle([] { sql::transaction([] { insert(2); }); }, db);
        },
        holder);

    handle([] { CHECK(count() == 2); }, db);
    CHECK(db.statistics().connections <= 2);
}

EFFECTS_OVER_BOTH_NETWORKS("a locked file is used as soon as it is free, and other tasks run meanwhile",
                           "[sqlite][file][faults]") {
    temporary_folder folder;
    auto const path = folder.file("shop.db");
    sqlite::database holder{path, {.schema = schema}};
    sqlite::database db{path, {.busy_timeout = 30s}};
    bool inserted = false;

    async::task_group([&](async::group& g) {
        handle(
            [&] {
                auto const held = perform(sql::begin{});
                g.spawn([&] {
                    handle([] { insert(2); }, db);
                    inserted = true;
                });
                async::sleep_for(2ms); // of the world's time: so long the other one tries
                CHECK_FALSE(inserted);
                perform(sql::query("insert into t values (1)").in(held));
                perform(sql::commit{held});
            },
            holder);
    });

    handle([] { CHECK(count() == 2); }, db);
}

EFFECTS_OVER_BOTH_NETWORKS(
    "a folder that is not there, or a folder in the file's place, is an error that names the path",
    "[sqlite][file][faults]") {
    temporary_folder folder;
    for (auto const& path : {folder.file("no/such.db"), folder.file("")}) {
        try {
            sqlite::database db{path};
            FAIL("opened");
        } catch (sql::connection_failure const& e) {
            CHECK_THAT(e.what(), StartsWith("while opening the database " + path + ": ") && Contains("unable to open"));
        }
    }
    check_going_on(folder);
}
