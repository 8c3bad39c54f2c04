// SPDX-License-Identifier: BSL-1.0
#include "connections.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include <effects/async/blocking.hpp>
#include <effects/async/detail/task_base.hpp>
#include <effects/async/sleep.hpp>

namespace effects::sqlite {

namespace async = effects::async;
using std::chrono::milliseconds;

namespace {

// How long to wait before looking at a locked file again: SQLite's own steps (sqliteDefaultBusyCallback in src/main.c).
constexpr std::array<int, 12> busy_steps{1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};

} // namespace

connections::connections(std::string path, options how)
    : path_(std::move(path)), how_(std::move(how)),
      writer_(std::make_unique<connection>(settings(side::writing), counts_)), in_memory_(writer_->is_in_memory()),
      has_readers_(!in_memory_ && writer_->is_wal() && how_.readers > 0), reader_gate_(how_.readers) {
    open_ = 1;
    readers_.reserve(how_.readers);
    if (how_.schema.empty() || writer_->is_read_only()) return;
    try {
        writer_->wait_when_busy(how_.busy_timeout);
        run_whole_script(*writer_, how_.schema, false);
        writer_->wait_when_busy(milliseconds(0));
    } catch (effects::error& e) {
        e.add_context("making the schema");
        explain(e);
        throw;
    }
}

connection_settings connections::settings(side which) const {
    connection_settings s;
    s.path = path_;
    s.create = how_.create;
    s.read_only = how_.read_only;
    s.query_only = which == side::reading;
    s.wal = how_.wal;
    s.full_sync = how_.full_sync;
    s.foreign_keys = how_.foreign_keys;
    s.statement_cache = how_.statement_cache;
    // The constructor may block; opening a connection later is tried again by `run`.
    s.busy_timeout = open_ == 0 ? how_.busy_timeout : milliseconds(0);
    return s;
}

lease connections::borrow(side which) {
    bool reading = which == side::reading;
    gate& g = reading ? reader_gate_ : writer_gate_;
    auto permit = g.enter(how_.acquire_timeout);
    if (!permit)
        throw sql::lock_not_available("waited " + std::to_string(how_.acquire_timeout.count()) + " ms for " +
                                      (reading ? "a reading connection" : "the connection") + " to " + path_ +
                                      ": transactions or statements of other tasks have it, and " +
                                      std::to_string(g.waiting()) + " more wait");
    std::lock_guard locked(mutex_);
    std::unique_ptr<connection> idle;
    if (!reading) {
        idle = std::move(writer_);
    } else if (!readers_.empty()) {
        idle = std::move(readers_.back());
        readers_.pop_back();
    }
    return {*this, which, std::move(permit), std::move(idle)};
}

sql::result connections::run_query(lease& borrowed, sql::query const& q) {
    return run(borrowed, [&q](connection& c) { return c.execute(q.text(), q.parameters()); });
}

std::optional<sql::result> connections::try_reading(sql::query const& q) {
    lease borrowed = borrow(side::reading);
    return run(borrowed, [&q](connection& c) -> std::optional<sql::result> {
        try {
            if (!c.reads_only(q.text())) return std::nullopt;
        } catch (sql::undefined_table const&) { // perhaps a temporary one, which the writer alone can see
            return std::nullopt;
        }
        return c.execute(q.text(), q.parameters());
    });
}

void connections::run_off_loop(void (*call)(void*), void* arguments, std::shared_ptr<std::atomic<bool>> const& stop) {
    try {
        async::blocking([&] { call(arguments); }, [stop] { *stop = true; });
    } catch (sql::query_canceled const&) {
        if (*stop) async::checkpoint(); // the task is cancelled: that is what it should hear of
        throw;
    }
}

void connections::pause(std::size_t attempt, milliseconds& waited) const {
    auto step =
        std::min(milliseconds(busy_steps[std::min(attempt, busy_steps.size() - 1)]), how_.busy_timeout - waited);
    if (async::detail::current_task_or_null())
        async::sleep_for(step);
    else
        std::this_thread::sleep_for(step);
    waited += step;
}

void connections::explain(effects::error& e) const {
    if (!in_memory_) e.add_context("using the database " + path_);
}

connection& lease::use() {
    if (!lent_) {
        lent_ = std::make_unique<connection>(of_->settings(side_), of_->counts_);
        ++of_->open_;
    }
    return *lent_;
}

void lease::query_only() {
    query_only_ = true;
    use().execute("pragma query_only = on", {});
}

void lease::give_back() noexcept {
    try {
        if (in_transaction()) lent_->execute("rollback", {});
        if (lent_ && query_only_) lent_->execute("pragma query_only = off", {});
    } catch (std::exception const&) {
        // In a state that nobody knows: the next holder opens another. One to memory stays, it is the database.
        if (!of_->in_memory_) {
            lent_.reset();
            --of_->open_;
        }
    }
    std::lock_guard locked(of_->mutex_);
    if (side_ == side::writing)
        of_->writer_ = std::move(lent_);
    else if (lent_)
        of_->readers_.push_back(std::move(lent_)); // has room
}

void run_whole_script(connection& on, std::string const& text, bool inside) {
    on.execute(inside ? "savepoint effects_script" : "begin immediate", {});
    try {
        on.run_script(text);
        on.execute(inside ? "release effects_script" : "commit", {});
    } catch (...) {
        try {
            if (on.in_transaction()) { // some failures have rolled back everything already
                on.execute(inside ? "rollback to effects_script" : "rollback", {});
                if (inside) on.execute("release effects_script", {});
            }
        } catch (std::exception const&) { // the first error says more; the lease rolls back what is left
        }
        throw;
    }
}

} // namespace effects::sqlite
