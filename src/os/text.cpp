// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

#include <cstddef>

namespace effects::os {
namespace {

constexpr char const* hex = "0123456789abcdef";

// The length of the UTF-8 sequence that `s` begins with, 0 if it begins with none (Unicode, table 3-7).
std::size_t utf8_sequence(std::string_view s) noexcept {
    auto at = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; };
    auto follows = [&](std::size_t i, unsigned lo = 0x80, unsigned hi = 0xBF) { return at(i) >= lo && at(i) <= hi; };
    unsigned const first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        unsigned const lo = first == 0xE0 ? 0xA0 : 0x80;
        unsigned const hi = first == 0xED ? 0x9F : 0xBF; // no surrogates
        return follows(1, lo, hi) && follows(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        unsigned const lo = first == 0xF0 ? 0x90 : 0x80;
        unsigned const hi = first == 0xF4 ? 0x8F : 0xBF;
        return follows(1, lo, hi) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

void append_byte(std::string& out, char const* prefix, char byte) {
    auto const b = static_cast<unsigned char>(byte);
    out += prefix;
    out += hex[b >> 4];
    out += hex[b & 15];
}

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

} // namespace

std::string printable(std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
        std::size_t const length = utf8_sequence(bytes);
        if (length == 0 || is_control(bytes[0]))
            append_byte(out, "\\x", bytes[0]);
        else
            out.append(bytes.substr(0, length));
        bytes.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

void append_json(std::string& out, std::string_view bytes) {
    out += '"';
    while (!bytes.empty()) {
        std::size_t const length = utf8_sequence(bytes);
        char const c = bytes[0];
        if (length == 0)
            out += "\xEF\xBF\xBD";
        else if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else if (is_control(c))
            append_byte(out, "\\u00", c);
        else
            out.append(bytes.substr(0, length));
        bytes.remove_prefix(length == 0 ? 1 : length);
    }
    out += '"';
}

} // namespace effects::os
