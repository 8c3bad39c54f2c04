// SPDX-License-Identifier: BSL-1.0
#include "text.hpp"

namespace effects::http {

std::string quoted(std::string_view text) {
    constexpr std::size_t shown = 80;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result = "\"";
    for (char c : text.substr(0, shown)) {
        auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f)
            result += c;
        else if (c == '\n')
            result += "\\n";
        else if (c == '\r')
            result += "\\r";
        else
            (result += "\\x") += {digits[byte >> 4], digits[byte & 15]};
    }
    if (text.size() > shown) result += "…";
    return result += '"';
}

} // namespace effects::http
