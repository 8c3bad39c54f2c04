// SPDX-License-Identifier: BSL-1.0
#include <effects/sqlite/database.hpp>

#include <stdexcept>
#include <utility>

#include <effects/async/detail/task_base.hpp>
#include <effects/sql/detail/quote.hpp>

#include "connections.hpp"
#include "statement_text.hpp"
#include "transaction.hpp"

namespace effects::sqlite {

database::database(std::string path, options how)
    : connections_(std::make_shared<connections>(std::move(path), std::move(how))) {}
database::database(in_memory_t, options how) : database(":memory:", std::move(how)) {}
database::database(database&&) noexcept = default;
database& database::operator=(database&&) noexcept = default;
database::~database() = default;

std::string const& database::path() const& noexcept { return connections_->path(); }
sqlite::statistics database::statistics() const { return connections_->statistics(); }

// Each begins as every call does that may suspend: a task that is cancelled does nothing more, also where its database, in memory,
// would answer in place. Only what undoes things is always done.

sql::result database::operator()(sql::query const& q) {
    async::detail::suspension_point();
    auto kind = kind_of(q.text());
    if (kind == statement_kind::transaction_control)
        throw std::logic_error("while " + sql::detail::running(q.text()) +
                               ": transactions are begun and ended by sql::transaction, not by statements");
    if (q.session()) return transaction::of_session(q.session(), connections_)->run(q);
    if (kind == statement_kind::may_read && connections_->has_readers() && !asks_the_writer(q.text()))
        if (auto read = connections_->try_reading(q)) return *std::move(read);
    auto borrowed = connections_->borrow(side::writing);
    return connections_->run_query(borrowed, q);
}

void database::operator()(sql::script const& s) {
    async::detail::suspension_point();
    if (s.session()) return transaction::of_session(s.session(), connections_)->run(s);
    auto borrowed = connections_->borrow(side::writing);
    connections_->run(borrowed, [&s](connection& c) { run_whole_script(c, s.text(), false); });
}

sql::session database::operator()(sql::begin const& b) {
    async::detail::suspension_point();
    if (b.outer) return transaction::of_session(b.outer, connections_)->begin_inner();
    return transaction::begin(connections_, b.options);
}

void database::operator()(sql::commit const& c) {
    async::detail::suspension_point();
    transaction::of_session(c.of, connections_)->commit();
}
void database::operator()(sql::rollback const& r) { transaction::of_session(r.of, connections_)->roll_back(); }

} // namespace effects::sqlite
