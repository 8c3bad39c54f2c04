// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>

namespace effects::detail {

// Stand for a member of any type in `T{member, member, …}`. Two of them, because types that can be constructed from anything
// (std::any, a JSON value) make the conversion ambiguous with one or the other.
template <class T>
struct any_member {
    template <class U>
        requires(!std::is_same_v<U, T> && !std::is_base_of_v<U, T>)
    operator U() const {
        std::terminate(); // never called; but a compiler may ask for it
    }
};
template <class T>
struct any_member_else {
    template <class U>
        requires(!std::is_same_v<U, T> && !std::is_base_of_v<U, T>)
    operator U() { std::terminate(); }
};
template <class T>
struct any_base {
    template <class U>
        requires(!std::is_same_v<U, T> && std::is_base_of_v<U, T>)
    operator U() const {
        std::terminate(); // never called; but a compiler may ask for it
    }
};

inline constexpr std::size_t most_fields = 12;
inline constexpr std::size_t fields_unknown = static_cast<std::size_t>(-1);

template <std::size_t, class Member>
using nth = Member;

template <class T, class Member, std::size_t... I>
constexpr bool braces_take(std::index_sequence<I...>) {
    return requires { T{nth<I, Member>{}...}; };
}
template <class T, class Member, std::size_t... I>
constexpr bool parentheses_take(std::index_sequence<I...>) { // no brace elision: C arrays don't pass
    return requires { T(nth<I, Member>{}...); };
}

template <class T, class Member, std::size_t N = most_fields + 1>
constexpr std::size_t count_with() {
    if constexpr (braces_take<T, Member>(std::make_index_sequence<N>{})) {
        if constexpr (N <= most_fields && (N == 0 || parentheses_take<T, Member>(std::make_index_sequence<N>{})))
            return N;
        else
            return fields_unknown;
    } else if constexpr (N == 0) {
        return fields_unknown;
    } else {
        return count_with<T, Member, N - 1>();
    }
}

// How many members a plain struct has; `fields_unknown` for what is none, has a base or a C array, or too many.
template <class T>
constexpr std::size_t count_fields() {
    if constexpr (!std::is_class_v<T> || !std::is_aggregate_v<T> || std::is_polymorphic_v<T>) {
        return fields_unknown;
    } else if constexpr (std::is_empty_v<T>) {
        return 0;
    } else if constexpr (requires { T{any_base<T>{}}; }) {
        return fields_unknown;
    } else {
        constexpr std::size_t one = count_with<T, any_member<T>>();
        constexpr std::size_t other = count_with<T, any_member_else<T>>();
        if constexpr (one == fields_unknown || one == 0)
            return other == 0 ? fields_unknown : other;
        else if constexpr (other == fields_unknown || other < one)
            return one;
        else
            return other;
    }
}

template <class T>
inline constexpr std::size_t field_count = count_fields<T>();
template <class T>
concept plain_struct = field_count<T>
!= fields_unknown;

} // namespace effects::detail
