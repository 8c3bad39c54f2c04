// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace effects::http {

/// RFC 4648, section 4, padded.
inline std::string base64(std::string_view bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        auto const taken = bytes.size() - i < 3 ? bytes.size() - i : std::size_t{3};
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (j < taken ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j) out += j <= taken ? alphabet[(group >> (18 - 6 * j)) & 63U] : '=';
    }
    return out;
}

} // namespace effects::http
