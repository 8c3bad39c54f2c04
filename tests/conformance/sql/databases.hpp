// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <effects/handle.hpp>
#include <effects/live/run.hpp>
#include <effects/perform.hpp>
#include <effects/sim/run.hpp>
#include <effects/sqlite.hpp>
#include <effects/test/mock.hpp>
#include <effects/test/sql.hpp>

#include <conformance/async/worlds.hpp>
#include <unit/sqlite/temporary_folder.hpp>

// ON_EVERY_DATABASE("a sentence", "[tags]") { body }: a test case for each handler of `sql` and each world that it is for, with one
// body, which runs as the world's main task with an empty database. `in` says in what the database differs from others. A new
// handler joins by a dialect, a runner and a line in the macro.

namespace databases {

/// In what databases differ where a program notices, beside the words of their messages.
struct dialect {
    std::string bytes_type;      ///< of a column of bytes
    bool keeps_booleans;         ///< as booleans; else they come back as 0 and 1
    bool keeps_moments;          ///< as moments; else they come back as text
    bool keeps_nan;              ///< else NaN is refused
    bool keeps_zero_bytes;       ///< in text; else they are refused
    bool error_ends_transaction; ///< a failed statement ends its (innermost) transaction; else it undoes itself only
};

inline dialect const& sqlite_dialect() {
    static dialect const one{.bytes_type = "blob",
                             .keeps_booleans = false,
                             .keeps_moments = false,
                             .keeps_nan = false,
                             .keeps_zero_bytes = true,
                             .error_ends_transaction = false};
    return one;
}

using body = void (*)(dialect const&);

inline void in_sim(effects::sqlite::database& db, std::uint64_t seed, body b) {
    effects::sim::run(
        {.seed = seed}, [&] { b(sqlite_dialect()); }, db);
}

inline void sqlite_memory_in_sim(body b) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        INFO("seed " << seed);
        effects::sqlite::database db{effects::sqlite::in_memory};
        in_sim(db, seed, b);
    }
}

inline void sqlite_file_in_sim(body b) {
    for (bool wal : {true, false}) {
        INFO((wal ? "with" : "without") << " write-ahead log");
        temporary_folder folder;
        effects::sqlite::database db{folder.file("db"), {.wal = wal, .full_sync = false}};
        in_sim(db, 1, b);
    }
}

inline void in_live(effects::sqlite::database& db, body b) {
    effects::live::run(
        {.handle_signals = false},
        [&] {
            worlds::watchdog over(*effects::async::detail::current_task().home);
            b(sqlite_dialect());
        },
        db);
}

inline void sqlite_memory_in_live(body b) {
    effects::sqlite::database db{effects::sqlite::in_memory};
    in_live(db, b);
}

inline void sqlite_file_in_live(body b) {
    temporary_folder folder;
    effects::sqlite::database db{folder.file("db"), {.full_sync = false}};
    in_live(db, b);
}

// ---- results, of mocks too ----

/// Gives a result of these columns and rows: a database by storing and selecting them, a mock by answering.
struct source {
    virtual ~source() = default;
    virtual effects::sql::result rows(std::vector<std::string> const& columns,
                                      std::vector<std::vector<effects::sql::value>> const& rows) = 0;
    bool names_statements = true; ///< in errors
};

struct database_source final : source {
    int tables = 0;

    effects::sql::result rows(std::vector<std::string> const& columns,
                              std::vector<std::vector<effects::sql::value>> const& rows) override {
        auto const table = "t" + std::to_string(++tables);
        std::string list;
        std::string values;
        for (auto const& c : columns) {
            list += ", " + c + (c.starts_with("n_") ? " bigint" : c.starts_with("r_") ? " double precision" : " text");
            values += ", $" + std::to_string(values.empty() ? 2 : std::count(values.begin(), values.end(), '$') + 2);
        }
        effects::perform(effects::sql::script("create table " + table + " (place int" + list + ")"));
        int place = 0;
        for (auto const& row : rows) {
            effects::sql::query insert("insert into " + table + " values ($1" + values + ")", ++place);
            for (auto const& v : row) insert.bind(v);
            effects::perform(std::move(insert));
        }
        std::string names;
        for (auto const& c : columns) names += (names.empty() ? "" : ", ") + c;
        return effects::perform(effects::sql::query("select " + names + " from " + table + " order by place"));
    }
};

struct mock_source final : source {
    mock_source() { names_statements = false; }

    effects::sql::result rows(std::vector<std::string> const& columns,
                              std::vector<std::vector<effects::sql::value>> const& rows) override {
        effects::test::mock world;
        world.expect(effects::sql::query("select")).reply(effects::sql::table(columns, rows));
        auto answer = effects::handle([] { return effects::perform(effects::sql::query("select")); }, world);
        world.verify();
        return answer;
    }
};

using reading_body = void (*)(source&);

} // namespace databases

#define EFFECTS_TEST_ON_EVERY_DATABASE(name, tags, body)                                                               \
    static void body(databases::dialect const&);                                                                       \
    TEST_CASE(name ", sqlite in memory, in sim", tags "[sim]") { databases::sqlite_memory_in_sim(&body); }             \
    TEST_CASE(name ", sqlite in memory, in live", tags "[live]") { databases::sqlite_memory_in_live(&body); }          \
    TEST_CASE(name ", sqlite in a file, in sim", tags "[sim][file]") { databases::sqlite_file_in_sim(&body); }         \
    TEST_CASE(name ", sqlite in a file, in live", tags "[live][file]") { databases::sqlite_file_in_live(&body); }      \
    static void body([[maybe_unused]] databases::dialect const& in)
#define ON_EVERY_DATABASE(name, tags)                                                                                  \
    EFFECTS_TEST_ON_EVERY_DATABASE(name, tags, EFFECTS_TEST_JOINED(body_at_line_, __LINE__))

#define EFFECTS_TEST_FROM_EVERY_SOURCE(name, tags, body)                                                               \
    static void body(databases::source&);                                                                              \
    static void EFFECTS_TEST_JOINED(body, _of_database)(databases::dialect const&) {                                   \
        databases::database_source from;                                                                               \
        body(from);                                                                                                    \
    }                                                                                                                  \
    TEST_CASE(name ", sqlite in memory, in sim", tags "[sim]") {                                                       \
        databases::sqlite_memory_in_sim(&EFFECTS_TEST_JOINED(body, _of_database));                                     \
    }                                                                                                                  \
    TEST_CASE(name ", sqlite in a file, in live", tags "[live][file]") {                                               \
        databases::sqlite_file_in_live(&EFFECTS_TEST_JOINED(body, _of_database));                                      \
    }                                                                                                                  \
    TEST_CASE(name ", a mock", tags "[mock]") {                                                                        \
        databases::mock_source from;                                                                                   \
        body(from);                                                                                                    \
    }                                                                                                                  \
    static void body([[maybe_unused]] databases::source& from)
#define FROM_EVERY_SOURCE(name, tags)                                                                                  \
    EFFECTS_TEST_FROM_EVERY_SOURCE(name, tags, EFFECTS_TEST_JOINED(body_at_line_, __LINE__))

/// The error of that class that `f` throws; fails the test where it throws none.
template <class Error, class F>
Error error_of(F f) {
    try {
        f();
    } catch (Error const& e) {
        return e;
    }
    FAIL("nothing was thrown");
    throw 0;
}
