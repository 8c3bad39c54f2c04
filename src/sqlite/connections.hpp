// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/sqlite/database.hpp>

#include "connection.hpp"
#include "gate.hpp"

namespace effects::sqlite {

enum class side { writing, reading };

class lease;

/// The connections of one database: one that writes and, for a file in WAL mode, some that only read; who has them, and
/// where their work is done. Any thread.
class connections {
public:
    connections(std::string path, options how); // opens, which blocks

    std::string const& path() const noexcept { return path_; }
    options const& how() const noexcept { return how_; }
    bool has_readers() const noexcept { return has_readers_ && !counts_.writer_differs; }
    sqlite::statistics statistics() const { return {counts_.prepared, counts_.reused, open_}; }

    /// Waits for its turn. Throws lock_not_available when that takes too long.
    lease borrow(side which);

    /// Runs `f`, which uses the connection and blocks: on a worker thread where that is worth it. Tries again while the
    /// file is locked by others.
    template <class F>
    std::invoke_result_t<F&, connection&> run(lease& borrowed, F f);

    sql::result run_query(lease& borrowed, sql::query const& q);
    /// Nothing: it is a matter for the writing connection.
    std::optional<sql::result> try_reading(sql::query const& q);

private:
    friend class lease;

    bool in_place(side which) const noexcept { return in_memory_ || (how_.inline_reads && which == side::reading); }
    void run_off_loop(void (*call)(void*), void* arguments, std::shared_ptr<std::atomic<bool>> const& stop);
    void pause(std::size_t attempt, std::chrono::milliseconds& waited) const;
    void explain(effects::error& e) const;
    connection_settings settings(side which) const;

    std::string const path_;
    options const how_;
    connection_counts counts_;
    std::atomic<std::size_t> open_ = 0;
    std::mutex mutable mutex_;                         // guards writer_ and readers_; never held while anything runs
    std::unique_ptr<connection> writer_;               // null: lent, or to be opened again
    std::vector<std::unique_ptr<connection>> readers_; // those that are not lent
    bool const in_memory_;
    bool const has_readers_;
    gate writer_gate_{1};
    gate reader_gate_;
};

/// A connection for one holder, given back by the destructor, which rolls back what was left open.
class lease {
public:
    lease(connections& of, side which, gate::permit permit, std::unique_ptr<connection> lent) noexcept
        : of_(&of), side_(which), permit_(std::move(permit)), lent_(std::move(lent)) {}
    lease(lease&& other) noexcept = default;
    lease& operator=(lease&&) = delete;
    ~lease() {
        if (permit_) give_back();
    }

    side which() const noexcept { return side_; }
    /// Opens one first if need be, which blocks.
    connection& use();
    bool in_transaction() const noexcept { return lent_ && lent_->in_transaction(); }
    /// Until it is given back, the connection only reads.
    void query_only();

private:
    void give_back() noexcept;

    connections* of_;
    side side_;
    bool query_only_ = false;
    gate::permit permit_; // given up last: behind the connection
    std::unique_ptr<connection> lent_;
};

/// All of the script or, when a statement fails, nothing of it. `inside`: of a transaction.
void run_whole_script(connection& on, std::string const& text, bool inside);

// ---------------------------------------------------------------------------------------------------------------------

template <class F>
std::invoke_result_t<F&, connection&> connections::run(lease& borrowed, F f) {
    using result = std::invoke_result_t<F&, connection&>;
    std::chrono::milliseconds waited(0);
    for (std::size_t attempt = 0;; ++attempt) {
        try {
            if (in_place(borrowed.which())) return f(borrowed.use());
            // Shared, since a cancellation on another thread may still look at it when we have gone on.
            auto stop = std::make_shared<std::atomic<bool>>(false);
            std::conditional_t<std::is_void_v<result>, bool, std::optional<result>> answer{};
            auto work = [&] {
                connection& c = borrowed.use();
                connection::watched guard(c, *stop);
                if constexpr (std::is_void_v<result>)
                    f(c);
                else
                    answer.emplace(f(c));
            };
            run_off_loop([](void* w) { (*static_cast<decltype(work)*>(w))(); }, &work, stop);
            if constexpr (std::is_void_v<result>)
                return;
            else
                return *std::move(answer);
        } catch (sql::lock_not_available& e) {
            if (waited >= how_.busy_timeout) {
                e.add_context("trying for " + std::to_string(waited.count()) + " ms");
                explain(e);
                throw;
            }
        } catch (effects::error& e) {
            explain(e);
            throw;
        }
        pause(attempt, waited); // outside the catch block: the task sleeps, its thread goes on
    }
}

} // namespace effects::sqlite
