// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <effects/detail/field_count.hpp>
#include <effects/detail/type_name.hpp>
#include <effects/operation.hpp>

namespace effects::detail {

// Whether an answer can be copied, for certain: some types say so of themselves and then don't compile (a class with a
// std::vector<std::unique_ptr<X>>). Every operation is asked, also in programs that never re-run a body, so the unsure ones
// count as "no" until their author says `replayable`.
template <class T>
constexpr bool surely_copies();

// Converts to the members that can be copied for certain, or to those that can't.
template <class T, bool Copied>
struct member_that {
    template <class U>
        requires(!std::is_same_v<U, T> && surely_copies<U>() == Copied)
    operator U() const {
        std::terminate(); // never called
    }
};

template <class T>
inline constexpr bool arguments_copy = type_name<T>().starts_with("std::"); // one without arguments
template <template <class...> class Template, class... Arguments>
inline constexpr bool
    arguments_copy<Template<Arguments...>> = type_name<Template<Arguments...>>().starts_with("std::") &&
                                             (... && (std::is_void_v<Arguments> || std::is_function_v<Arguments> ||
                                                      surely_copies<std::remove_cv_t<Arguments>>()));
template <class T>
inline constexpr bool arguments_copy<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool arguments_copy<std::weak_ptr<T>> = true;

template <class T, std::size_t Doubted, std::size_t... I>
constexpr bool member_copies(std::index_sequence<I...>) {
    return !requires { T{member_that<T, I != Doubted>{}...}; };
}
// Some members (a std::optional) take what converts to something that they can be made from: so each is asked both ways.
template <class T, std::size_t... I>
constexpr bool members_copy(std::index_sequence<I...> all) {
    return requires { T{member_that<T, I == I>{}...}; }
    &&(... && member_copies<T, I>(all));
}

template <class T>
constexpr bool surely_copies() {
    if constexpr (std::is_trivially_copy_constructible_v<T>)
        return true;
    else if constexpr (!std::is_copy_constructible_v<T>)
        return false;
    else if constexpr (arguments_copy<T>)
        return true;
    else if constexpr (plain_struct<T>)
        return members_copy<T>(std::make_index_sequence<field_count<T>>{});
    else
        return false;
}

// An operation may say it itself: `static constexpr bool replayable = …;`.
template <class Op>
constexpr bool answers_replay() {
    if constexpr (requires { Op::replayable; })
        return Op::replayable;
    else if constexpr (std::is_void_v<result_of<Op>> || std::is_reference_v<result_of<Op>>)
        return true;
    else
        return surely_copies<std::remove_cv_t<result_of<Op>>>();
}

// The same where the answer's copy is asked for.
template <class Op>
constexpr bool answers_copy() {
    if constexpr (requires { Op::replayable; })
        return Op::replayable;
    else if constexpr (std::is_void_v<result_of<Op>> || std::is_reference_v<result_of<Op>>)
        return true;
    else
        return std::is_copy_constructible_v<result_of<Op>>;
}

} // namespace effects::detail
