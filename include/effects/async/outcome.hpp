// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include <effects/async/cancelled.hpp>
#include <effects/detail/prompt.hpp>
#include <effects/operation.hpp>

namespace effects::async {

/// How a computation ended: its value, or the exception that it threw. Of a void one: `unit`.
///
///     for (auto& o : async::all_outcomes(requests))
///         if (o) use(o.value()); else note(o.error());
template <class T>
class [[nodiscard]] outcome {
public:
    using value_type = std::conditional_t<std::is_void_v<T>, unit, T>;

    template <class V>
        requires(std::is_constructible_v<value_type, V> && !std::is_same_v<std::remove_cvref_t<V>, outcome> &&
                 !std::is_same_v<std::remove_cvref_t<V>, std::exception_ptr>)
    outcome(V&& value) : held_(std::in_place_index<0>, std::forward<V>(value)) {}
    outcome(std::exception_ptr error) noexcept : held_(std::in_place_index<1>, std::move(error)) {}

    /// Did it end with a value?
    explicit operator bool() const noexcept { return held_.index() == 0; }
    /// The value, or throws what the computation threw.
    value_type& value() & { return checked(), std::get<0>(held_); }
    value_type const& value() const& { return checked(), std::get<0>(held_); }
    value_type value() && { return checked(), std::get<0>(std::move(held_)); }
    template <class V>
    value_type value_or(V&& other) const& {
        return *this ? std::get<0>(held_) : static_cast<value_type>(std::forward<V>(other));
    }
    template <class V>
    value_type value_or(V&& other) && {
        return *this ? std::get<0>(std::move(held_)) : static_cast<value_type>(std::forward<V>(other));
    }
    /// The exception; null where there is a value.
    std::exception_ptr error() const noexcept { return *this ? nullptr : std::get<1>(held_); }

private:
    void checked() const {
        if (!*this) std::rethrow_exception(std::get<1>(held_));
    }

    std::variant<value_type, std::exception_ptr> held_;
};

namespace detail {

template <class T>
using or_unit = std::conditional_t<std::is_void_v<T>, unit, T>;

// What `f` returns; `unit` for nothing.
template <class F, class... Args>
or_unit<std::invoke_result_t<F&, Args...>> call_or_unit(F& f, Args&&... args) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, Args...>>) {
        f(std::forward<Args>(args)...);
        return {};
    } else {
        return f(std::forward<Args>(args)...);
    }
}

// Is the task that handles a `cancelled` just now ending for it? (Else it is somebody's own, and an error like others.)
bool being_cancelled() noexcept;

// Calls `f`, and keeps what it throws; what ends the task itself passes: its cancellation, and the unwinding of a body that is given up.
template <class F>
std::exception_ptr error_of(F&& f) {
    try {
        std::forward<F>(f)();
    } catch (cancelled const&) {
        if (being_cancelled()) throw;
        return std::current_exception();
    } catch (effects::detail::unwinding const&) {
        throw;
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

} // namespace detail
} // namespace effects::async
