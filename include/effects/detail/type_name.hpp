// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string_view>

#include <effects/detail/requirements.hpp>

namespace effects::detail {

// The compiler's own spelling, without RTTI: "… [with T = shop::charge_card; …]" or "… [T = shop::charge_card]".
template <class T>
constexpr std::string_view type_name() {
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("T = ") + 4);
    if (auto alias = text.find("; std::string_view"); alias != text.npos) return text.substr(0, alias);
    return text.substr(0, text.rfind(']'));
}

// One object a type, in the whole process: its address is the type's identity.
template <class T>
struct [[gnu::visibility("default")]] type_id {
    static constexpr std::string_view name = type_name<T>();
};

constexpr std::uint32_t hash_of(std::string_view text) { // FNV-1a, folded
    std::uint32_t hash = 2166136261u;
    for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return hash ^ (hash >> 15) ^ (hash >> 7);
}

} // namespace effects::detail
