// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <ostream>
#include <ranges>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <effects/detail/type_name.hpp>
#include <effects/test/detail/fields.hpp>

namespace effects::test {

/// The text that the messages of this module show of a value: what its `operator<<` prints; of a plain struct without one its
/// members, `shop::charge_card{"tok_1", 500}`; else the name of its type. Strings are quoted, an empty optional is `none`,
/// ranges are `[1, 2, 3]`.
template <class T>
std::string describe(T const& value);

namespace detail {

std::string quoted(std::string_view text);
std::string number_text(long long value);
std::string number_text(unsigned long long value);
std::string number_text(double value);

template <class T>
concept streamable = requires(std::ostream& out, T const& value) {
    { out << value } -> std::convertible_to<std::ostream&>;
};
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;
template <class T>
inline constexpr bool is_tuple = false;
template <class... Ts>
inline constexpr bool is_tuple<std::tuple<Ts...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;

template <class Period>
std::string unit_name() {
    if constexpr (std::is_same_v<Period, std::nano>)
        return "ns";
    else if constexpr (std::is_same_v<Period, std::micro>)
        return "us";
    else if constexpr (std::is_same_v<Period, std::milli>)
        return "ms";
    else if constexpr (std::is_same_v<Period, std::ratio<1>>)
        return "s";
    else if constexpr (std::is_same_v<Period, std::ratio<60>>)
        return "min";
    else if constexpr (std::is_same_v<Period, std::ratio<3600>>)
        return "h";
    else
        return "x " + number_text(static_cast<long long>(Period::num)) + "/" +
               number_text(static_cast<long long>(Period::den)) + " s";
}

template <class... Ts>
std::string list_text(std::string_view open, std::string_view close, Ts const&... values) {
    std::string text(open);
    std::string_view between;
    ((text.append(between).append(describe(values)), between = ", "), ...);
    return text.append(close);
}

template <class Range>
std::string range_text(Range const& range) {
    constexpr int most = 20;
    std::string text = "[";
    int count = 0;
    for (auto const& value : range) {
        if (count > 0) text += ", ";
        if (++count > most) {
            text += "…";
            break;
        }
        text += describe(value);
    }
    return text += "]";
}

} // namespace detail

template <class T>
std::string describe(T const& value) {
    if constexpr (std::is_same_v<T, bool>) {
        return value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::nullopt_t>) {
        return "none";
    } else if constexpr (std::is_pointer_v<T> && std::is_convertible_v<T, char const*>) {
        return value ? detail::quoted(value) : "none";
    } else if constexpr (std::is_convertible_v<T const&, std::string_view>) {
        return detail::quoted(std::string_view(value));
    } else if constexpr (std::is_same_v<T, char>) {
        return detail::quoted(std::string_view(&value, 1));
    } else if constexpr (std::is_floating_point_v<T>) {
        return detail::number_text(static_cast<double>(value));
    } else if constexpr (std::is_integral_v<T>) {
        using wide = std::conditional_t<std::is_signed_v<T>, long long, unsigned long long>;
        return detail::number_text(static_cast<wide>(value));
    } else if constexpr (std::is_pointer_v<T>) { // an address would differ from run to run
        return value ? "a pointer" : "none";
    } else if constexpr (detail::is_optional<T>) {
        return value ? describe(*value) : "none";
    } else if constexpr (detail::is_duration<T>) {
        return describe(value.count()) + " " + detail::unit_name<typename T::period>();
    } else if constexpr (detail::streamable<T>) {
        std::ostringstream out;
        out << value;
        return std::move(out).str();
    } else if constexpr (std::is_enum_v<T>) {
        return std::string(effects::detail::type_name<T>()) + "(" +
               describe(static_cast<std::underlying_type_t<T>>(value)) + ")";
    } else if constexpr (detail::is_tuple<T>) {
        return std::apply([](auto const&... part) { return detail::list_text("(", ")", part...); }, value);
    } else if constexpr (std::ranges::input_range<T const>) {
        return detail::range_text(value);
    } else if constexpr (detail::plain_struct<T>) {
        return detail::with_fields(value, [](auto const&... member) {
            return detail::list_text(std::string(effects::detail::type_name<T>()) + "{", "}", member...);
        });
    } else {
        return std::string(effects::detail::type_name<T>());
    }
}

} // namespace effects::test
