// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/detail/field_count.hpp>

namespace effects::test::detail {

using effects::detail::field_count;
using effects::detail::most_fields;
using effects::detail::plain_struct;

// Calls f(member, member, …). An error about structured bindings here means that the count was wrong: give the type
// an operator<<.
template <plain_struct T, class F>
decltype(auto) with_fields(T const& value, F&& f) {
    constexpr std::size_t n = field_count<T>;
    if constexpr (n == 0) {
        return f();
    } else if constexpr (n == 1) {
        auto const& [a] = value;
        return f(a);
    } else if constexpr (n == 2) {
        auto const& [a, b] = value;
        return f(a, b);
    } else if constexpr (n == 3) {
        auto const& [a, b, c] = value;
        return f(a, b, c);
    } else if constexpr (n == 4) {
        auto const& [a, b, c, d] = value;
        return f(a, b, c, d);
    } else if constexpr (n == 5) {
        auto const& [a, b, c, d, e] = value;
        return f(a, b, c, d, e);
    } else if constexpr (n == 6) {
        auto const& [a, b, c, d, e, g] = value;
        return f(a, b, c, d, e, g);
    } else if constexpr (n == 7) {
        auto const& [a, b, c, d, e, g, h] = value;
        return f(a, b, c, d, e, g, h);
    } else if constexpr (n == 8) {
        auto const& [a, b, c, d, e, g, h, i] = value;
        return f(a, b, c, d, e, g, h, i);
    } else if constexpr (n == 9) {
        auto const& [a, b, c, d, e, g, h, i, j] = value;
        return f(a, b, c, d, e, g, h, i, j);
    } else if constexpr (n == 10) {
        auto const& [a, b, c, d, e, g, h, i, j, k] = value;
        return f(a, b, c, d, e, g, h, i, j, k);
    } else if constexpr (n == 11) {
        auto const& [a, b, c, d, e, g, h, i, j, k, l] = value;
        return f(a, b, c, d, e, g, h, i, j, k, l);
    } else {
        static_assert(n == most_fields);
        auto const& [a, b, c, d, e, g, h, i, j, k, l, m] = value;
        return f(a, b, c, d, e, g, h, i, j, k, l, m);
    }
}

} // namespace effects::test::detail
