// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

// Small functions over ASCII text that the protocol's parts share. None knows a locale.
namespace effects::http {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

/// A token of RFC 9110, section 5.6.2.
constexpr bool is_token(std::string_view text) noexcept {
    for (char c : text)
        if (!is_alpha(c) && !is_digit(c) && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos)
            return false;
    return !text.empty();
}

/// Without blanks and tabs at both ends.
constexpr std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blank = " \t";
    auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

inline std::string lowered(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = lower(c);
    return result;
}

/// Calls `each` with every element of a list, trimmed: split("a, b", ',', f) is f("a"), f("b").
template <class F>
constexpr void split(std::string_view list, char separator, F&& each) {
    for (;;) {
        auto end = list.find(separator);
        each(trimmed(list.substr(0, end)));
        if (end == std::string_view::npos) return;
        list.remove_prefix(end + 1);
    }
}

/// The two sides of the first `separator`; the second is empty without one.
constexpr std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) noexcept {
    auto at = text.find(separator);
    if (at == std::string_view::npos) return {text, {}};
    return {text.substr(0, at), text.substr(at + 1)};
}

/// In quotes, for a message: control characters as \xNN, at most 80 characters and then dots.
std::string quoted(std::string_view text);

} // namespace effects::http
