// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cassert>
#include <memory>
#include <type_traits>
#include <utility>

namespace effects::detail {

// Where an answer lies until it is taken. `take_from` constructs in place, so T need be neither default-constructible
// nor movable to be put in; void and references included.
template <class T>
class kept {
public:
    kept() noexcept {}
    kept(kept&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : full_(other.full_) {
        if (full_) std::construct_at(std::addressof(value_), std::move(other.value_));
    }
    kept& operator=(kept&&) = delete;
    ~kept() {
        if (full_) std::destroy_at(std::addressof(value_));
    }

    template <class F>
    void take_from(F&& f) {
        assert(!full_);
        ::new (static_cast<void*>(std::addressof(value_))) std::remove_cv_t<T>(std::forward<F>(f)());
        full_ = true;
    }
    T take() { return std::move(value_); }
    explicit operator bool() const noexcept { return full_; }

private:
    union {
        std::remove_cv_t<T> value_;
    };
    bool full_ = false;
};

template <class T>
class kept<T&> {
public:
    template <class F>
    void take_from(F&& f) {
        value_ = std::addressof(std::forward<F>(f)());
    }
    T& take() { return *value_; }
    explicit operator bool() const noexcept { return value_ != nullptr; }

private:
    T* value_ = nullptr;
};

template <class T>
class kept<T&&> {
public:
    template <class F>
    void take_from(F&& f) {
        T&& given = std::forward<F>(f)();
        value_ = std::addressof(given);
    }
    T&& take() { return static_cast<T&&>(*value_); }
    explicit operator bool() const noexcept { return value_ != nullptr; }

private:
    T* value_ = nullptr;
};

template <>
class kept<void> {
public:
    template <class F>
    void take_from(F&& f) {
        std::forward<F>(f)();
        full_ = true;
    }
    void take() {}
    explicit operator bool() const noexcept { return full_; }

private:
    bool full_ = false;
};

} // namespace effects::detail
