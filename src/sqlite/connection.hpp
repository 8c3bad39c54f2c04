// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <effects/sql/result.hpp>
#include <effects/sql/value.hpp>

struct sqlite3;
struct sqlite3_stmt;

namespace effects::sqlite {

struct close_connection {
    void operator()(sqlite3*) const noexcept;
};
struct finalize_statement {
    void operator()(sqlite3_stmt*) const noexcept;
};

/// How one connection is opened.
struct connection_settings {
    std::string path; ///< a file, "file:" URI, or ":memory:"
    bool create = true;
    bool read_only = false;  ///< the file is opened so
    bool query_only = false; ///< a reader: may write nothing, in a file that others write
    bool wal = true;
    bool full_sync = true;
    bool foreign_keys = true;
    std::size_t statement_cache = 100;
    std::chrono::milliseconds busy_timeout{5000}; ///< while opening; afterwards a busy database is an error at once
};

/// Of all connections of a database together; read while others count.
struct connection_counts {
    std::atomic<std::uint64_t> prepared = 0; ///< statements compiled
    std::atomic<std::uint64_t> reused = 0;   ///< statements found in the cache
    /// The one that writes has what the readers lack: temporary tables, attached databases, settings that change answers.
    std::atomic<bool> writer_differs = false;
};

/// One connection and its cache of prepared statements. Everything here runs in the calling thread and blocks it; one
/// thread at a time.
class connection {
public:
    /// `counts` outlives it.
    connection(connection_settings settings, connection_counts& counts);
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;

    /// Runs exactly one statement to its end. Throws `sql::error`; the connection stays usable.
    sql::result execute(std::string const& text, std::vector<sql::value> const& parameters);
    /// Runs several statements, without parameters; those that begin or end transactions are a std::logic_error.
    void run_script(std::string const& text);
    /// True if the statement writes nothing. Throws what preparing it throws.
    bool reads_only(std::string const& text);

    bool in_transaction() const noexcept;
    bool is_in_memory() const noexcept;
    bool is_read_only() const noexcept;
    bool is_wal() const noexcept { return wal_; }
    /// How long a locked file is waited for, blocking. At first, once it is open: not at all.
    void wait_when_busy(std::chrono::milliseconds limit) noexcept;

    /// As long as it lives, what runs ends with `sql::query_canceled` soon after `stop` has become true.
    /// (Not by sqlite3_interrupt: a call that comes before the statement's first step is lost.)
    class watched {
    public:
        watched(connection& c, std::atomic<bool> const& stop) noexcept;
        watched(watched const&) = delete;
        watched& operator=(watched const&) = delete;
        ~watched();

    private:
        sqlite3* db_;
    };

private:
    struct statement {
        std::string text;
        std::unique_ptr<sqlite3_stmt, finalize_statement> handle;
        std::vector<std::size_t> places; // of SQLite's n-th placeholder: which parameter goes there, from 0
        std::size_t wanted = 0;          // parameters
        std::shared_ptr<sql::row_layout const> layout;
        int layout_of = -1; // how often SQLite had re-prepared the statement when `layout` was made
    };
    using statements = std::list<statement>;

    statement prepare(std::string const& text, bool keep);
    statement& prepared(std::string const& text); // from the cache, or into it; the most recent one is the first
    void find_places(statement&) const;
    void bind(statement&, std::vector<sql::value> const& parameters) const;
    void refresh_layout(statement&) const;
    [[noreturn]] void fail(int code, std::string_view text) const;
    void configure();

    connection_settings settings_;
    std::unique_ptr<sqlite3, close_connection> db_;
    statements recent_;
    std::unordered_map<std::string_view, statements::iterator> cached_; // keys are in `recent_`
    connection_counts* counts_;
    bool wal_ = false;
};

} // namespace effects::sqlite
