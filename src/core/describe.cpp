// SPDX-License-Identifier: BSL-1.0
#include "describe.hpp"

#include <string_view>

namespace effects::detail {

namespace {

char const* word(clause_kind kind) {
    switch (kind) {
    case clause_kind::on:
        return "on ";
    case clause_kind::control:
        return "control ";
    case clause_kind::aborts:
        return "aborts ";
    case clause_kind::mask:
        return "mask ";
    }
    return "";
}

// The body of one of our own functions says nothing of where the user was.
bool is_ours(std::string_view body) {
    return body.starts_with("effects::") || body.find("/include/effects/") != body.npos;
}

// "main()::<lambda()>", without the arguments of the templates that it stands in.
std::string_view shortened(std::string_view body) {
    constexpr std::size_t most = 160;
    return body.substr(0, body.find(" [with ")).substr(0, most);
}

} // namespace

std::string place(std::source_location where) {
    std::string text = where.file_name();
    text += ':';
    text += std::to_string(where.line());
    return text;
}

std::string describe(frame const& f) {
    std::string text;
    frame_table const& table = *f.table;
    if (table.handler.empty() && table.size == 0) return text;
    if (!table.handler.empty()) {
        text.append(table.handler).append(table.size ? ":" : "");
        for (std::size_t i = 0; i < table.size; ++i) {
            text += i ? ", " : " ";
            text += table.entries[i].operation->name;
        }
    } else {
        for (std::size_t i = 0; i < table.size; ++i)
            text.append(i ? ", " : word(table.entries[i].kind)).append(table.entries[i].operation->name);
    }
    if (f.installed.line() != 0)
        text.append(", made at ").append(place(f.installed));
    else if (f.body && !is_ours(*f.body))
        text.append(", installed around ").append(shortened(*f.body));
    return text;
}

} // namespace effects::detail
