// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <effects/async/semaphore.hpp>
#include <effects/async/time.hpp>
#include <effects/error.hpp>

namespace effects::async {

template <class T>
class pool;

/// How a `pool` makes its resources and keeps them.
template <class T>
struct pool_options {
    std::function<T()> create; ///< may suspend, and throw: that is then what `acquire` throws
    std::size_t max = 10;      ///< resources at a time, in use and idle
    /// Is one that has lain idle still good? May suspend. False, or an `effects::error`: it is dropped, and another one taken. None: all are.
    std::function<bool(T&)> validate = {};
    duration idle_limit = duration::max(); ///< one that was idle for longer is dropped instead of taken
};

namespace detail {

template <class T>
struct pooled {
    explicit pooled(std::function<T()> const& create) : value(create()) {}
    T value;
    time_point idle_since{};
};

void check_pool(bool creates, std::size_t max);
// Now, where a task runs: one may be given back outside of any.
time_point now_if_known() noexcept;
[[noreturn]] void throw_no_lease();

} // namespace detail

/// What `pool::acquire` gives: a resource, until it goes. Moves; must not outlive its pool. An empty one (moved from, or given back) throws
/// `std::logic_error` when it is used.
template <class T>
class [[nodiscard]] lease {
public:
    lease() noexcept = default;
    lease(lease&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), held_(std::move(other.held_)), turn_(std::move(other.turn_)) {}
    lease& operator=(lease&& other) noexcept {
        lease old(std::move(*this));
        from_ = std::exchange(other.from_, nullptr);
        held_.splice(held_.end(), other.held_);
        turn_ = std::move(other.turn_);
        return *this;
    }
    ~lease() { release(); }

    T& operator*() const { return the_one(); }
    T* operator->() const { return std::addressof(the_one()); }
    explicit operator bool() const noexcept { return from_ != nullptr; }

    /// Gives it back now; an empty one does nothing.
    void release() noexcept {
        if (pool<T>* from = std::exchange(from_, nullptr)) from->take_back(held_);
        held_.clear(); // of an `acquire` that did not come to its end
        turn_.release();
    }
    /// It is broken: destroys it, instead of giving it back, and makes room for another one. An empty one does nothing.
    void discard() noexcept {
        from_ = nullptr;
        held_.clear();
        turn_.release();
    }

private:
    friend class pool<T>;
    explicit lease(permit turn) noexcept : turn_(std::move(turn)) {}
    T& the_one() const {
        if (!from_) detail::throw_no_lease();
        return held_.front().value;
    }

    pool<T>* from_ = nullptr;
    std::list<detail::pooled<T>> mutable held_; // one; a list, so that giving it back can't fail
    permit turn_;
};

/// Lends resources that are dear to make (connections, parsers): an idle one where there is one, the last used first, else a new one, up to
/// `max`; then who waits first is served first. For the tasks of one thread.
///
///     async::pool<connection> connections{{.create = [] { return connect("db:5432"); }, .max = 8, .validate = ping}};
///     auto c = connections.acquire();          // until `c` goes
///     c->send(…);                              // threw in the middle of a message? c.discard();
///
/// A `max` of 0, or no `create`, is a `std::invalid_argument`.
template <class T>
class pool {
public:
    explicit pool(pool_options<T> how) : how_(std::move(how)), turns_(how_.max) {
        detail::check_pool(static_cast<bool>(how_.create), how_.max);
    }
    pool(pool const&) = delete;
    pool& operator=(pool const&) = delete;

    /// Suspends until a resource is idle, or there is room for another one, and nobody is before this task; then while `validate` and `create`
    /// do. Cancelling while it waits leaves the queue; while it validates or creates, destroys that resource, and the next one that
    /// waits has its turn.
    [[nodiscard]] lease<T> acquire() {
        lease<T> mine(turns_.acquire());
        while (!idle_.empty()) {
            mine.held_.splice(mine.held_.end(), idle_, idle_.begin());
            if (still_good(mine.held_.front())) break;
            mine.held_.clear();
        }
        if (mine.held_.empty()) mine.held_.emplace_back(how_.create);
        mine.from_ = this;
        return mine;
    }

    /// Destroys what was idle for longer than `idle_limit`; `acquire` does it only to those that it comes upon.
    ///
    ///     g.spawn({.daemon = true}, [&] { async::every(1min, [&] { connections.drop_expired(); }); });
    void drop_expired() noexcept {
        while (!idle_.empty() && expired(idle_.back())) idle_.pop_back();
    }
    /// Destroys all that are idle.
    void drop_idle() noexcept { idle_.clear(); }

    std::size_t idle() const noexcept { return idle_.size(); }
    /// Those that tasks have, or are about to have.
    std::size_t in_use() const noexcept { return turns_.total() - turns_.available(); }
    std::size_t max() const noexcept { return turns_.total(); }

private:
    friend class lease<T>;

    bool expired(detail::pooled<T> const& one) const noexcept {
        return detail::now_if_known() - one.idle_since > how_.idle_limit;
    }
    bool still_good(detail::pooled<T>& one) {
        if (expired(one)) return false;
        if (!how_.validate) return true;
        try {
            return how_.validate(one.value);
        } catch (error const&) {
            return false;
        }
    }
    void take_back(std::list<detail::pooled<T>>& one) noexcept {
        one.front().idle_since = detail::now_if_known();
        idle_.splice(idle_.begin(), one);
    }

    pool_options<T> how_;
    semaphore turns_;
    std::list<detail::pooled<T>> idle_; // the last used first
};

} // namespace effects::async
