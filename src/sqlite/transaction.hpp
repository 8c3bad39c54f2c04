// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include <effects/sql/query.hpp>
#include <effects/sql/session.hpp>
#include <effects/sql/transaction.hpp>

#include "connections.hpp"
#include "gate.hpp"

namespace effects::sqlite {

/// A transaction, or a savepoint in one. It holds its connection, or its turn in the outer one, until it ends; when it is
/// dropped, it is undone.
class transaction final : public sql::session::state, public std::enable_shared_from_this<transaction> {
public:
    static sql::session begin(std::shared_ptr<connections> const& of, sql::transaction_options const& options);
    /// The one that the session stands for. One that `of` has not begun is a std::logic_error.
    static std::shared_ptr<transaction> of_session(sql::session const& s, std::shared_ptr<connections> const& of);

    transaction(std::shared_ptr<connections> of, lease borrowed);
    transaction(std::shared_ptr<transaction> outer, gate::permit turn);
    ~transaction() override;

    sql::result run(sql::query const& q);
    void run(sql::script const& s);
    sql::session begin_inner();
    void commit();
    void roll_back();

private:
    gate::permit enter_open(); // logic_error when it has ended
    gate::permit enter();      // transaction_aborted when it is lost, too
    template <class F>
    std::invoke_result_t<F&> noting_loss(F f);
    void undo(connection& c) const;
    void finish() noexcept;

    std::shared_ptr<connections> of_; // before what it has lent us
    std::shared_ptr<transaction> outer_;
    gate::permit outer_turn_;
    transaction& root_;
    std::optional<lease> lease_; // of the root only
    std::string name_;           // of a savepoint
    int depth_ = 0;
    gate turn_{1};       // its statements take turns; an inner transaction has the turn until it ends
    bool ended_ = false; // guarded by the turn
    bool lost_ = false;  // of the root only: the database has rolled back by itself
};

} // namespace effects::sqlite
