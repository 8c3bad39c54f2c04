// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <effects/clause.hpp>
#include <effects/handle.hpp>
#include <effects/operation.hpp>
#include <effects/perform.hpp>
#include <effects/resumption.hpp>

namespace effects {

namespace detail {

// The operation that a generator's body performs. It carries the address of what is yielded, which lies in the body until
// the consumer asks for the next one.
template <class Reference>
struct yield_one {
    using result_type = void;
    static constexpr bool replayable = false;
    std::add_pointer_t<Reference> value;
    void const* to; // the generator
};

} // namespace detail

/// A lazy sequence, written as a function that yields:
///
///     effects::generator<int> squares([](auto yield) {
///         for (int i = 0;; ++i) yield(i * i);
///     });
///     for (int x : squares | std::views::take(5)) std::cout << x;        // 0 1 4 9 16
///
/// A `std::ranges::input_range`, to be gone through once, as `std::generator` of C++23; but a plain function, so it may yield from
/// the depth of a recursion (hand `yield` on, it is a reference and costs nothing), and out of a callback of somebody else's.
///
/// - The body starts at `begin()`, and runs up to its next `yield` each time that the iterator is incremented; then
///   it waits. Its effects are performed there, by the consumer: with the handlers that are in force around `begin()`
///   or `++`, not those around the construction.
/// - `yield(x)` does not copy: `*iterator` refers to what was given, until the next increment. `generator<T>` gives `T&&` for
///   what was yielded as an rvalue, so move-only values move out; what was yielded as an lvalue is copied first.
///   `generator<T&>` and `generator<T const&>` give references.
/// - An exception of the body leaves `begin()` or `++`, and ends the sequence.
/// - Destroying the generator in mid-sequence unwinds the body, destructors and all.
///
/// Moves also in mid-sequence. Costs a stack (256 KiB reserved, pooled) from `begin()` to the end, and a switch there and
/// back for each value. One thread at a time.
template <class T>
class generator {
    static_assert(!std::is_void_v<T> && !std::is_rvalue_reference_v<T>,
                  "a generator yields values, or lvalue references");
    static constexpr bool of_values = !std::is_reference_v<T>;

public:
    using value_type = std::remove_cvref_t<T>;
    using reference = std::conditional_t<of_values, T&&, T>;

    class yielder;
    class iterator;

    /// `body` is called with a `yielder`: `[](auto yield) { … yield(x); … }`.
    template <class Body>
        requires(!std::same_as<std::remove_cvref_t<Body>, generator> && std::invocable<std::decay_t<Body>&, yielder>)
    explicit generator(Body&& body) : generator(handle_options{}, std::forward<Body>(body)) {}

    /// With a stack of another size: `generator<int>({.stack_size = 1 << 20}, body)`.
    template <class Body>
        requires std::invocable < std::decay_t<Body>
    &, yielder > generator(handle_options options, Body&& body)
        : sequence_(std::make_unique<sequence_of<std::decay_t<Body>>>(options, std::forward<Body>(body))) {}

    generator(generator&&) noexcept = default;
    generator& operator=(generator&&) noexcept = default;
    ~generator() = default;

    /// Runs the body up to its first value. A second call is a `std::logic_error`: what is gone is gone.
    iterator begin();
    std::default_sentinel_t end() const noexcept { return std::default_sentinel; }

private:
    using yield_operation = detail::yield_one<reference>;

    struct step {
        std::add_pointer_t<reference> value = nullptr; // null: the sequence has ended
        resumption<yield_operation, step> rest = {};
    };
    struct sequence {
        sequence() = default;
        sequence(sequence const&) = delete;
        sequence& operator=(sequence const&) = delete;
        virtual ~sequence() = default;
        virtual step start() = 0;
        void advance() {
            auto rest = std::exchange(at, step{}).rest;
            at = std::move(rest).resume();
        }

        step at;
        bool begun = false;
    };
    template <class Body>
    struct sequence_of;

    std::unique_ptr<sequence> sequence_;
};

/// What a generator's body is called with.
template <class T>
class generator<T>::yielder {
public:
    explicit yielder(void const* to) noexcept : to_(to) {}

    /// Gives one value to the consumer; returns when it asks for the next one.
    void operator()(T&& value) const requires of_values { give(value); }
    void operator()(T const& value) const requires(of_values&& std::copy_constructible<T>) {
        T copy(value);
        give(copy);
    }
    void operator()(T value) const requires(!of_values) { give(value); }

private:
    void give(std::remove_reference_t<T>& value) const { perform(yield_operation{std::addressof(value), to_}); }

    void const* to_;
};

template <class T>
class generator<T>::iterator {
public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = generator::value_type;
    using difference_type = std::ptrdiff_t;

    explicit iterator(sequence& of) noexcept : of_(&of) {}
    iterator(iterator&&) noexcept = default;
    iterator& operator=(iterator&&) noexcept = default;

    reference operator*() const noexcept { return static_cast<reference>(*of_->at.value); }
    iterator& operator++() {
        of_->advance();
        return *this;
    }
    void operator++(int) { of_->advance(); }
    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept { return !i.of_->at.value; }

private:
    sequence* of_;
};

template <class T>
template <class Body>
struct generator<T>::sequence_of final : sequence {
    template <class B>
    sequence_of(handle_options o, B&& b) : options(o), body(std::forward<B>(b)) {}
    ~sequence_of() override { this->at = step{}; } // the body's frames before the body

    step start() override {
        return handle<step>(
            options, [this] { static_cast<void>(body(yielder(this))); }, returns([] { return step{}; }),
            control<yield_operation>([this](yield_operation op, auto k) -> tail<step> {
                if (op.to == this) return step{op.value, std::move(k)};
                perform(op); // of a generator further out, whose body goes through this one
                return std::move(k).resume_tail();
            }));
    }

    handle_options options;
    Body body;
};

template <class T>
typename generator<T>::iterator generator<T>::begin() {
    if (!sequence_ || std::exchange(sequence_->begun, true))
        throw std::logic_error("a generator is gone through once: it was begun, or moved from, before");
    sequence_->at = sequence_->start();
    return iterator(*sequence_);
}

} // namespace effects
