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

// U+0080 to U+009F; U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069, U+FEFF.
bool steers_a_terminal(std::string_view c) noexcept {
    if (c.size() == 2) return (c[0] == '\xC2' && static_cast<unsigned char>(c[1]) < 0xA0) || c == "\xD8\x9C";
    if (c.size() != 3) return false;
    auto within = [&](std::string_view first, std::string_view last) { return first <= c && c <= last; };
    return within("\xE2\x80\x8E", "\xE2\x80\x8F") || within("\xE2\x80\xA8", "\xE2\x80\xAE") ||
           within("\xE2\x81\xA6", "\xE2\x81\xA9") || c == "\xEF\xBB\xBF";
}

template <class Hides>
std::string escaped(std::string_view bytes, Hides hides) {
    std::string out;
    while (!bytes.empty()) {
        std::size_t const length = utf8_sequence(bytes);
        std::string_view const character = bytes.substr(0, length == 0 ? 1 : length);
        if (length == 0 || is_control(bytes[0]) || hides(character))
            for (char byte : character) append_byte(out, "\\x", byte);
        else
            out += character;
        bytes.remove_prefix(character.size());
    }
    return out;
}

} // namespace

std::string printable(std::string_view bytes) {
    return escaped(bytes, [](std::string_view) { return false; });
}

std::string printable_line(std::string_view bytes) { return escaped(bytes, steers_a_terminal); }

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
