// SPDX-License-Identifier: BSL-1.0
#include "statement_text.hpp"

#include <algorithm>
#include <array>

namespace effects::sqlite {
namespace {

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == ';';
}
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Behind blanks, semicolons, and comments of both kinds.
std::string_view skip_to_word(std::string_view text) noexcept {
    for (;;) {
        while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
        if (text.starts_with("--")) {
            auto end = text.find('\n');
            text.remove_prefix(end == text.npos ? text.size() : end + 1);
        } else if (text.starts_with("/*")) {
            auto end = text.find("*/", 2);
            text.remove_prefix(end == text.npos ? text.size() : end + 2);
        } else {
            return text;
        }
    }
}

bool begins_with_word(std::string_view text, std::string_view word) noexcept {
    if (text.size() < word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i)
        if (lower(text[i]) != word[i]) return false;
    if (text.size() == word.size()) return true;
    char next = lower(text[word.size()]);
    return !((next >= 'a' && next <= 'z') || (next >= '0' && next <= '9') || next == '_');
}

bool mentions(std::string_view text, std::string_view word) noexcept {
    return std::search(text.begin(), text.end(), word.begin(), word.end(),
                       [](char a, char b) { return lower(a) == b; }) != text.end();
}

} // namespace

statement_kind kind_of(std::string_view statement) noexcept {
    constexpr std::array control{"begin", "commit", "end", "rollback", "savepoint", "release"};
    constexpr std::array reading{"select", "values", "with", "explain"};
    auto text = skip_to_word(statement);
    auto begins = [text](std::string_view word) { return begins_with_word(text, word); };
    if (std::any_of(reading.begin(), reading.end(), begins)) return statement_kind::may_read;
    return std::any_of(control.begin(), control.end(), begins) ? statement_kind::transaction_control
                                                               : statement_kind::other;
}

bool asks_the_writer(std::string_view statement) noexcept {
    return mentions(statement, "last_insert_rowid") || mentions(statement, "changes");
}

} // namespace effects::sqlite
