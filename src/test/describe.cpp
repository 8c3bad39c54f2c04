// SPDX-License-Identifier: BSL-1.0
#include <effects/test/describe.hpp>

#include <array>
#include <charconv>

namespace effects::test::detail {

namespace {

template <class Number>
std::string to_text(Number value) {
    std::array<char, 64> digits;
    auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return std::string(digits.data(), end);
}

} // namespace

std::string number_text(long long value) { return to_text(value); }
std::string number_text(unsigned long long value) { return to_text(value); }
std::string number_text(double value) { return to_text(value); }

std::string quoted(std::string_view text) {
    constexpr std::size_t most = 1024;
    std::string out = "\"";
    for (char c : text.substr(0, most)) {
        switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            if (auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f) {
                constexpr std::string_view digits = "0123456789abcdef";
                out.append("\\x").append(1, digits[byte / 16]).append(1, digits[byte % 16]);
            } else {
                out += c;
            }
        }
    }
    out += '"';
    if (text.size() > most) out.append("… (").append(to_text(text.size())).append(" bytes)");
    return out;
}

} // namespace effects::test::detail
