// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <effects/operation.hpp>
#include <effects/tagged.hpp>
#include <effects/test/describe.hpp>

namespace effects::test {

namespace detail {

namespace found_by_argument {
void matches() = delete;
void differences() = delete;

template <class Op>
concept has_matches = requires(Op const& op) {
    { matches(op, op) } -> std::convertible_to<bool>;
};
template <class Op>
concept has_differences = requires(Op const& op) {
    { differences(op, op) } -> std::convertible_to<std::vector<std::string>>;
};
template <class Op>
bool call_matches(Op const& pattern, Op const& actual) {
    return matches(pattern, actual);
}
template <class Op>
std::vector<std::string> call_differences(Op const& pattern, Op const& actual) {
    return differences(pattern, actual);
}
} // namespace found_by_argument

// Line by line, where both have as many; else as a whole.
std::vector<std::string> text_differences(std::string const& pattern, std::string const& actual);
std::string difference(std::string_view of, std::string_view expected, std::string_view got);
std::string expectation_text(std::string_view of, std::string_view expected); // its first half

template <class T>
void compare_member(std::vector<std::string>& found, std::size_t number, T const& pattern, T const& actual) {
    if constexpr (std::equality_comparable<T>) {
        if (pattern == actual) return;
    }
    std::string expected = describe(pattern), got = describe(actual);
    if constexpr (!std::equality_comparable<T>) {
        if (expected == got) return;
    }
    found.push_back(difference("member " + number_text(static_cast<unsigned long long>(number)), expected, got));
}

template <class Op>
std::vector<std::string> member_differences(Op const& pattern, Op const& actual) {
    std::vector<std::string> found;
    auto tie = [](auto const&... member) { return std::tie(member...); };
    auto expected = with_fields(pattern, tie);
    auto got = with_fields(actual, tie);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (compare_member(found, I + 1, std::get<I>(expected), std::get<I>(got)), ...);
    }
    (std::make_index_sequence<field_count<Op>>{});
    return found;
}

} // namespace detail

/// How an operation that is given as a pattern, `world.on(http::get(url))`, is compared with those performed: by
/// `matches(pattern, actual)` of its own namespace, else by `==`. What messages say of the two comes from `differences(pattern,
/// actual)` of its namespace, one line each; else they show the members, or the printed lines, that differ.
///
/// A vocabulary's pattern matches on what it sets: one without a timeout matches a request with any. Specialize this for an
/// operation whose namespace is not yours.
template <operation Op>
struct pattern_traits {
    static constexpr bool has_matches = detail::found_by_argument::has_matches<Op> || std::equality_comparable<Op>;

    static bool matches(Op const& pattern, Op const& actual) {
        if constexpr (detail::found_by_argument::has_matches<Op>)
            return detail::found_by_argument::call_matches(pattern, actual);
        else
            return pattern == actual;
    }
    static std::vector<std::string> differences(Op const& pattern, Op const& actual) {
        if constexpr (detail::found_by_argument::has_differences<Op>)
            return detail::found_by_argument::call_differences(pattern, actual);
        else if constexpr (!detail::streamable<Op> && detail::plain_struct<Op>)
            return detail::member_differences(pattern, actual);
        else
            return detail::text_differences(describe(pattern), describe(actual));
    }
};

/// At a tag an operation is compared as without.
template <class Tag, operation Op>
struct pattern_traits<tagged<Tag, Op>> {
    static constexpr bool has_matches = pattern_traits<Op>::has_matches;

    static bool matches(tagged<Tag, Op> const& pattern, tagged<Tag, Op> const& actual) {
        return pattern_traits<Op>::matches(pattern.op, actual.op);
    }
    static std::vector<std::string> differences(tagged<Tag, Op> const& pattern, tagged<Tag, Op> const& actual) {
        return pattern_traits<Op>::differences(pattern.op, actual.op);
    }
};

/// An operation that can be a pattern by itself.
template <class Op>
concept pattern_operation = operation<Op> && pattern_traits<Op>::has_matches;

} // namespace effects::test
