// SPDX-License-Identifier: BSL-1.0
#include <effects/sql/transaction.hpp>

#include <ostream>

#include <effects/async/detail/task_base.hpp>
#include <effects/async/shield.hpp>
#include <effects/error.hpp>

namespace effects::sql {
namespace {

std::ostream& operator<<(std::ostream& out, isolation i) {
    switch (i) {
    case isolation::database_default:
        return out << "database_default";
    case isolation::read_committed:
        return out << "read_committed";
    case isolation::repeatable_read:
        return out << "repeatable_read";
    case isolation::serializable:
        return out << "serializable";
    }
    return out << '?';
}

} // namespace

std::ostream& operator<<(std::ostream& out, begin const& b) {
    out << "sql::begin{";
    char const* between = "";
    if (b.options.isolation != isolation::database_default) {
        out << ".isolation = " << b.options.isolation;
        between = ", ";
    }
    if (b.options.read_only) {
        out << between << ".read_only = true";
        between = ", ";
    }
    if (b.options.deferrable) out << between << ".deferrable = true";
    return out << '}';
}

std::ostream& operator<<(std::ostream& out, commit const&) { return out << "sql::commit{}"; }
std::ostream& operator<<(std::ostream& out, rollback const&) { return out << "sql::rollback{}"; }

namespace detail {

open_transaction::open_transaction(performing const& how, transaction_options const& options,
                                   std::source_location where)
    : perform_(how), session_(how.begin(sql::begin{options, {}}, where)), where_(where) {}

void open_transaction::commit() {
    perform_.commit(sql::commit{session_}, where_);
    committed_ = true;
}

void open_transaction::roll_back() {
    if (committed_) return;
    auto undo = [this] { perform_.rollback(sql::rollback{session_}, where_); };
    try {
        if (async::detail::current_task_or_null())
            async::shield(undo); // a cancelled task rolls back, too
        else
            undo();
    } catch (std::exception const&) {
        // What made us roll back is on its way and says more. The session's last owner undoes what is left.
    }
    session_ = {};
}

template void run_in<untagged>(untagged, session const&, body);

} // namespace detail
} // namespace effects::sql
