// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include <effects/async/detail/waiter.hpp>
#include <effects/operation.hpp>

namespace effects::async {

namespace detail {

// What the copies of a promise share.
class promise_state {
public:
    promise_state() = default;
    promise_state(promise_state const&) = delete;
    promise_state& operator=(promise_state const&) = delete;

    bool done() const noexcept;
    void wait(); // until it is set
    void wait_for_value();
    void claim_the_value(); // throws if it was taken
    bool fail(std::exception_ptr e);

protected:
    struct waiting_task;
    // Under the mutex.
    bool settled() const noexcept { return set_; }
    void settle() noexcept;

    std::mutex mutable mutex_;

private:
    bool set_ = false;
    bool taken_ = false;
    std::exception_ptr error_;
    waiting_task* first_ = nullptr;
    waiting_task* last_ = nullptr;
};

template <class T>
class promise_state_of : public promise_state {
public:
    template <class... Value>
    bool put(Value&&... value) {
        std::lock_guard lock(mutex_);
        if (settled()) return false;
        value_.emplace(std::forward<Value>(value)...);
        settle();
        return true;
    }
    // Once it is set.
    auto& value() noexcept { return *value_; }

private:
    std::optional<std::conditional_t<std::is_void_v<T>, unit, T>> value_;
};

[[noreturn]] void throw_set_twice();

} // namespace detail

/// A value, or an exception, that comes later: set once, from any thread, waited for by any number of tasks, of any thread of the
/// world. Copies are the same promise.
///
///     async::promise<int> answer;
///     old_library(question, [answer](int a) mutable { answer.set_value(a); });    // calls back on a thread of its own
///     int a = answer.get();
///
/// Nobody is told when the last copy that could set it goes: who waits would wait for ever (`sim` reports that), so put a `timeout`
/// around what is not your own.
template <class T>
class promise {
    static_assert(!std::is_reference_v<T>, "a promise holds a value; give it a pointer or a std::reference_wrapper");

public:
    promise() : state_(std::make_shared<detail::promise_state_of<T>>()) {}

    /// Wakes all who wait. Any thread. Set before: `std::logic_error`; `try_set_value` gives false instead.
    template <class... Value>
        requires(std::is_void_v<T> ? sizeof...(Value) == 0 : std::is_constructible_v<T, Value...>)
    void set_value(Value&&... value) const {
        if (!state_->put(std::forward<Value>(value)...)) detail::throw_set_twice();
    }
    template <class... Value>
        requires(std::is_void_v<T> ? sizeof...(Value) == 0 : std::is_constructible_v<T, Value...>)
    bool try_set_value(Value&&... value) const { return state_->put(std::forward<Value>(value)...); }
    /// `get` throws `e` (a `std::exception_ptr`, or an exception). Any thread.
    template <class E>
    void set_exception(E&& e) const {
        if (!try_set_exception(std::forward<E>(e))) detail::throw_set_twice();
    }
    template <class E>
    bool try_set_exception(E&& e) const {
        if constexpr (std::is_same_v<std::remove_cvref_t<E>, std::exception_ptr>)
            return state_->fail(std::forward<E>(e));
        else
            return state_->fail(std::make_exception_ptr(std::forward<E>(e)));
    }

    /// Suspends until it is set. Cancelling leaves nothing behind.
    void wait() const { state_->wait(); }
    /// Suspends until it is set; a copy of the value, or throws the exception. Cancelling leaves nothing behind.
    T get() const {
        static_assert(std::is_void_v<T> || std::is_copy_constructible_v<T>,
                      "T can't be copied: take() moves it out, once");
        state_->wait_for_value();
        if constexpr (!std::is_void_v<T>) return std::as_const(state_->value());
    }
    /// The same, but moves the value out; whoever comes second gets a `std::logic_error`. Cancelling it while it waits leaves the value to others.
    T take() const {
        state_->wait_for_value();
        state_->claim_the_value();
        if constexpr (!std::is_void_v<T>) return std::move(state_->value());
    }
    /// Has it been set? Any thread.
    bool done() const noexcept { return state_->done(); }

private:
    std::shared_ptr<detail::promise_state_of<T>> state_;
};

} // namespace effects::async
