// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <utility>

#include <effects/detail/cast.hpp>

namespace effects::sql {

/// One open transaction, or savepoint, of a handler: what `sql::begin` answers, and what binds a statement to it
/// (`query.in(session)`). `sql::transaction` does both for all that its function performs; only handlers and tests
/// meet a session. Default-constructed it is no transaction, which is enough for a mock.
///
/// When the last copy goes and nobody committed, the handler rolls back.
class session {
public:
    /// A handler derives from it what it must know of a transaction.
    class state {
    public:
        state() = default;
        state(state const&) = delete;
        state& operator=(state const&) = delete;
        virtual ~state() = default;
    };

    session() noexcept = default;
    explicit session(std::shared_ptr<state> s) noexcept : state_(std::move(s)) {}

    explicit operator bool() const noexcept { return state_ != nullptr; }
    /// The handler's state, if it is a `State`; else null.
    template <class State>
    State* as() const noexcept {
        return effects::detail::cast_to<State>(state_.get());
    }
    bool operator==(session const&) const noexcept = default;

private:
    std::shared_ptr<state> state_;
};

} // namespace effects::sql
