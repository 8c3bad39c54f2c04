// SPDX-License-Identifier: BSL-1.0
#include "transaction.hpp"

#include <stdexcept>
#include <utility>

#include <effects/async/detail/task_base.hpp>
#include <effects/async/shield.hpp>

namespace effects::sqlite {
namespace {

// What is not to be cut short half-way.
template <class F>
void uncancelled(F f) {
    if (async::detail::current_task_or_null())
        async::shield(f);
    else
        f();
}

[[noreturn]] void throw_lost() {
    throw sql::transaction_aborted("the database has rolled the transaction back, since an earlier statement failed");
}

} // namespace

sql::session transaction::begin(std::shared_ptr<connections> const& of, sql::transaction_options const& options) {
    bool reads = options.read_only;
    auto borrowed = of->borrow(reads && of->has_readers() ? side::reading : side::writing);
    of->run(borrowed, [&](connection& c) {
        // At once the right to write: asking for it in the middle could only fail.
        c.execute(reads ? "begin" : "begin immediate", {});
        if (reads && borrowed.which() == side::writing) borrowed.query_only();
    });
    return sql::session(std::make_shared<transaction>(of, std::move(borrowed)));
}

std::shared_ptr<transaction> transaction::of_session(sql::session const& s, std::shared_ptr<connections> const& of) {
    auto* found = s.as<transaction>();
    if (!found || found->of_ != of)
        throw std::logic_error(s ? "the transaction is one of another database handler"
                                 : "commit or rollback of no transaction: they end what sql::begin began");
    return found->shared_from_this();
}

transaction::transaction(std::shared_ptr<connections> of, lease borrowed)
    : of_(std::move(of)), root_(*this), lease_(std::move(borrowed)) {}

transaction::transaction(std::shared_ptr<transaction> outer, gate::permit turn)
    : of_(outer->of_), outer_(std::move(outer)), outer_turn_(std::move(turn)), root_(outer_->root_),
      name_("effects_" + std::to_string(outer_->depth_ + 1)), depth_(outer_->depth_ + 1) {}

transaction::~transaction() {
    if (ended_ || !outer_ || !root_.lease_->in_transaction()) return; // of the root, the lease does it
    try {
        undo(root_.lease_->use());
    } catch (std::exception const&) { // then nothing of the whole may last
        root_.lost_ = true;
    }
}

sql::result transaction::run(sql::query const& q) {
    auto turn = enter();
    return noting_loss([&] { return of_->run_query(*root_.lease_, q); });
}

void transaction::run(sql::script const& s) {
    auto turn = enter();
    noting_loss([&] { of_->run(*root_.lease_, [&s](connection& c) { run_whole_script(c, s.text(), true); }); });
}

sql::session transaction::begin_inner() {
    auto turn = enter();
    auto name = "effects_" + std::to_string(depth_ + 1);
    noting_loss([&] { of_->run(*root_.lease_, [&](connection& c) { c.execute("savepoint " + name, {}); }); });
    return sql::session(std::make_shared<transaction>(shared_from_this(), std::move(turn)));
}

void transaction::commit() {
    auto turn = enter_open();
    if (root_.lost_) {
        finish();
        throw_lost();
    }
    noting_loss([&] {
        uncancelled([&] {
            of_->run(*root_.lease_, [&](connection& c) { c.execute(outer_ ? "release " + name_ : "commit", {}); });
        });
    });
    finish();
}

void transaction::roll_back() {
    auto turn = turn_.enter(of_->how().acquire_timeout);
    if (turn && ended_) return;
    if (!turn) enter_open(); // throws
    if (root_.lost_ || !root_.lease_->in_transaction()) return finish();
    try {
        uncancelled([&] { of_->run(*root_.lease_, [&](connection& c) { undo(c); }); });
    } catch (...) {
        root_.lost_ = true; // a lease that can't roll back either closes the connection
        finish();
        throw;
    }
    finish();
}

gate::permit transaction::enter_open() {
    auto turn = turn_.enter(of_->how().acquire_timeout);
    if (!turn)
        throw sql::lock_not_available(
            "waited " + std::to_string(of_->how().acquire_timeout.count()) +
            " ms for a turn in the transaction: statements of other tasks in it, or a transaction "
            "inside it, are not done");
    if (ended_) throw std::logic_error("the transaction has ended: its session takes no more statements");
    return turn;
}

gate::permit transaction::enter() {
    auto turn = enter_open();
    if (root_.lost_) throw_lost();
    return turn;
}

// Some failures (a full disk, an interrupted write) make SQLite roll back everything. If that went unnoticed, what
// follows would run, and last, outside any transaction.
template <class F>
std::invoke_result_t<F&> transaction::noting_loss(F f) {
    try {
        return f();
    } catch (...) {
        if (!root_.lease_->in_transaction()) root_.lost_ = true;
        throw;
    }
}

void transaction::undo(connection& c) const {
    if (!outer_) {
        c.execute("rollback", {});
    } else {
        c.execute("rollback to " + name_, {});
        c.execute("release " + name_, {});
    }
}

void transaction::finish() noexcept {
    ended_ = true;
    outer_turn_ = {};
    lease_.reset();
}

} // namespace effects::sqlite
