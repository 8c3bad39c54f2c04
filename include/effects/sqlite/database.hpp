// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <effects/operation.hpp>
#include <effects/sql/query.hpp>
#include <effects/sql/transaction.hpp>

namespace effects::sqlite {

/// `sqlite::database{sqlite::in_memory}`: one that lives as long as the handler.
struct in_memory_t {};
inline constexpr in_memory_t in_memory{};

/// How a database is opened and used.
struct options {
    /// Run as a script when the database is opened: `create table if not exists …`.
    std::string schema = {};
    /// Open a file that is there, and never write it.
    bool read_only = false;
    /// Make the file where there is none. (Never its folder.)
    bool create = true;
    /// Write-ahead logging: readers and the writer don't wait for each other. Of files only; it stays with the file.
    bool wal = true;
    /// A commit survives a power cut. False (`synchronous = normal`): it survives a crash of the program, and is faster.
    bool full_sync = true;
    bool foreign_keys = true;
    /// How long to try again while another connection, often another process's, has the file locked. The task sleeps meanwhile;
    /// then `sql::lock_not_available`.
    std::chrono::milliseconds busy_timeout{5'000};
    /// How long a statement may wait for its turn on a connection of this handler; then `sql::lock_not_available`.
    std::chrono::milliseconds acquire_timeout{30'000};
    /// Prepared statements that each connection keeps, the least recently used goes first; 0 keeps none.
    std::size_t statement_cache = 100;
    /// Connections that only read, beside the one that writes; opened when needed. Of files in WAL mode only, and until a statement
    /// makes a temporary table, attaches a database, or sets a pragma that changes answers: only the one that writes knows of these.
    std::size_t readers = 4;
    /// Run selects of a file where they are performed, not on a worker thread: for databases that are small and cached.
    bool inline_reads = false;
};

struct statistics {
    std::uint64_t prepared = 0;  ///< statements compiled
    std::uint64_t reused = 0;    ///< statements found prepared
    std::size_t connections = 0; ///< open now
};

class connections;

/// Answers SQL's operations with an SQLite database.
///
///     effects::handle(body, sqlite::database{sqlite::in_memory, {.schema = "create table stock (sku text, qty int)"}});
///     live::run(serve_orders, sqlite::database{"shop.db"});
///
/// Opens in the constructor, which blocks, and throws a `sql::error` where the file can't be used. A file's statements run
/// on worker threads in `live`, in place in a simulation and outside any world; a database in memory runs them in place everywhere, since
/// that is quicker than any hop. One connection writes, tasks taking turns, first come, first served; a transaction
/// keeps it until it ends, so a transaction is never refused half-way for a lock. Cancelling a task interrupts its
/// statement; a task that is cancelled already starts none, and commits nothing. Any thread may perform; the handler outlives what
/// performs.
///
/// Placeholders are $1, $2, … (SQLite's own ? works too). "Double quotes" are names, never strings. Booleans are stored as 0 and
/// 1, moments as text in UTC, and NaN is refused, because SQLite would store null. An error in a transaction undoes its statement only (in
/// PostgreSQL, the transaction is over then).
class database {
public:
    using operations = effects::operations<sql::query, sql::script, sql::begin, sql::commit, sql::rollback>;

    explicit database(std::string path, options how = {});
    explicit database(in_memory_t, options how = {});
    database(database&&) noexcept;
    database& operator=(database&&) noexcept;
    ~database();

    sql::result operator()(sql::query const& q);
    void operator()(sql::script const& s);
    sql::session operator()(sql::begin const& b);
    void operator()(sql::commit const& c);
    void operator()(sql::rollback const& r);

    std::string const& path() const& noexcept; ///< ":memory:" for one in memory
    sqlite::statistics statistics() const;

private:
    std::shared_ptr<connections> connections_; // shared with the transactions that are open
};

} // namespace effects::sqlite
