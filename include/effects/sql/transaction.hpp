// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <effects/at.hpp>
#include <effects/detail/kept.hpp>
#include <effects/handle.hpp>
#include <effects/sql/query.hpp>
#include <effects/sql/session.hpp>

namespace effects::sql {

/// What a transaction may see of others that run at the same time. SQLite has `serializable` only, which is more than
/// any of the others promises.
enum class isolation { database_default, read_committed, repeatable_read, serializable };

struct transaction_options {
    sql::isolation isolation = sql::isolation::database_default;
    bool read_only = false;
    bool deferrable = false; ///< with serializable and read_only: PostgreSQL may wait at first, and never fails later
    bool operator==(transaction_options const&) const = default;
};

/// The operation that starts a transaction, or within one, where `outer` names it, a savepoint. `sql::transaction`
/// performs it; so does business logic that must keep a transaction open longer than a function.
struct begin {
    using result_type = session;
    transaction_options options = {};
    session outer = {};

    /// The same options, wherever.
    friend bool operator==(begin const& a, begin const& b) noexcept { return a.options == b.options; }
    friend std::ostream& operator<<(std::ostream&, begin const&);
};

/// The operation that makes what the session did last, and ends it. If it throws, nothing of it lasts.
struct commit {
    using result_type = void;
    session of = {};

    friend bool operator==(commit const&, commit const&) noexcept { return true; }
    friend std::ostream& operator<<(std::ostream&, commit const&);
};

/// The operation that undoes what the session did, and ends it. Nothing happens to a session that has ended.
struct rollback {
    using result_type = void;
    session of = {};

    friend bool operator==(rollback const&, rollback const&) noexcept { return true; }
    friend std::ostream& operator<<(std::ostream&, rollback const&);
};

/// Runs `f` in a transaction: commits when it returns, and gives what it returned; rolls back when an exception or a
/// cancellation leaves it, which then goes on.
///
///     int left = sql::transaction([&] {
///         perform(sql::query("update stock set qty = qty - $1 where sku = $2", n, sku));
///         return perform(sql::query("select qty from stock where sku = $1", sku)).one<int>();
///     });
///
/// Each `sql::query` that `f` performs belongs to it, also in the tasks of groups that are made inside; statements of
/// such tasks take turns. A transaction inside another one is a savepoint: rolling it back leaves the outer one alive;
/// while it is open, other tasks' statements of the outer one wait. When the commit fails, its error leaves
/// `transaction`, and nothing was done.
template <class F>
    requires std::invocable<F&>
auto transaction(F&& f, std::source_location where = std::source_location::current())
    -> std::decay_t<std::invoke_result_t<F&>>;

template <class F>
    requires std::invocable<F&>
auto transaction(transaction_options options, F&& f, std::source_location where = std::source_location::current())
    -> std::decay_t<std::invoke_result_t<F&>>;

/// The same, of the handler at a tag: what `f` performs at this tag belongs to the transaction, and nothing else.
///
///     sql::transaction(effects::at<audit>, [&] {
///         perform(effects::at<audit>(sql::query("insert into trail …")));
///         perform(sql::query("…")); // another database: not in it
///     });
template <class Tag, class F>
    requires std::invocable<F&>
auto transaction(effects::tag<Tag> at, F&& f, std::source_location where = std::source_location::current())
    -> std::decay_t<std::invoke_result_t<F&>>;

template <class Tag, class F>
    requires std::invocable<F&>
auto transaction(effects::tag<Tag> at, transaction_options options, F&& f,
                 std::source_location where = std::source_location::current())
    -> std::decay_t<std::invoke_result_t<F&>>;

// ---------------------------------------------------------------------------------------------------------------------

namespace detail {

// In place of a tag.
struct untagged {
    template <class T>
    T operator()(T of) const {
        return of;
    }
};

struct performing {
    session (*begin)(sql::begin&&, std::source_location where);
    void (*commit)(sql::commit&&, std::source_location where);
    void (*rollback)(sql::rollback&&, std::source_location where);
};
template <class At>
inline constexpr performing performing_at{
    [](sql::begin&& op, std::source_location where) -> session { return effects::perform(At{}(std::move(op)), where); },
    [](sql::commit&& op, std::source_location where) { effects::perform(At{}(std::move(op)), where); },
    [](sql::rollback&& op, std::source_location where) { effects::perform(At{}(std::move(op)), where); },
};

// Begun when made. The destructor does nothing: a session that is dropped rolls back by itself.
class open_transaction {
public:
    open_transaction(performing const& how, transaction_options const& options, std::source_location where);

    sql::session const& session() const noexcept { return session_; }
    void commit();
    void roll_back(); // in a catch block; of what it throws only cancellations get out

private:
    performing const& perform_;
    sql::session session_;
    std::source_location where_;
    bool committed_ = false;
};

// What runs in a transaction, its type forgotten, so that the handlers around it are compiled once.
class body {
public:
    template <class F>
        requires(!std::same_as<F, body>)
    explicit body(F& f) noexcept : of_(std::addressof(f)), call_([](void* of) { (*static_cast<F*>(of))(); }) {}
    void operator()() const { call_(of_); }

private:
    void* of_;
    void (*call_)(void*);
};

// `f` with its statements bound to the session; those that are bound already belong to an inner transaction.
template <class At>
void run_in(At at, session const& s, body f) {
    using place = std::source_location;
    auto bind = [at, &s](auto op, place where) {
        if (!op.session()) op.in(s);
        return effects::perform(at(std::move(op)), where);
    };
    effects::handle([f] { f(); },
                    at(effects::on<query>([&](query q, place where) { return bind(std::move(q), where); })),
                    at(effects::on<script>([&](script q, place where) { return bind(std::move(q), where); })),
                    at(effects::on<begin>([at, &s](begin op, place where) {
                        if (!op.outer) op.outer = s;
                        return effects::perform(at(std::move(op)), where);
                    })));
}
extern template void run_in<untagged>(untagged, session const&, body);

template <class At, class F>
auto run_transaction(At at, transaction_options const& options, F& f, std::source_location where)
    -> std::decay_t<std::invoke_result_t<F&>> {
    open_transaction open(performing_at<At>, options, where);
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
            auto call = [&] { f(); };
            detail::run_in(at, open.session(), body(call));
            open.commit();
        } else {
            effects::detail::kept<std::decay_t<std::invoke_result_t<F&>>> answer;
            auto keep = [&] { answer.take_from([&]() -> std::decay_t<std::invoke_result_t<F&>> { return f(); }); };
            detail::run_in(at, open.session(), body(keep));
            open.commit();
            return answer.take();
        }
    } catch (...) {
        open.roll_back();
        throw;
    }
}

} // namespace detail

template <class F>
    requires std::invocable<F&>
auto transaction(transaction_options options, F&& f, std::source_location where)
    -> std::decay_t<std::invoke_result_t<F&>> {
    return detail::run_transaction(detail::untagged{}, options, f, where);
}

template <class F>
    requires std::invocable<F&>
auto transaction(F&& f, std::source_location where) -> std::decay_t<std::invoke_result_t<F&>> {
    return detail::run_transaction(detail::untagged{}, {}, f, where);
}

template <class Tag, class F>
    requires std::invocable<F&>
auto transaction(effects::tag<Tag> at, transaction_options options, F&& f, std::source_location where)
    -> std::decay_t<std::invoke_result_t<F&>> {
    return detail::run_transaction(at, options, f, where);
}

template <class Tag, class F>
    requires std::invocable<F&>
auto transaction(effects::tag<Tag> at, F&& f, std::source_location where) -> std::decay_t<std::invoke_result_t<F&>> {
    return detail::run_transaction(at, {}, f, where);
}

} // namespace effects::sql
