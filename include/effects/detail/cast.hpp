// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>

namespace effects::detail {

// dynamic_cast to the class `To`, for objects that a user's code may have made: the table of virtual functions of a class that
// -fno-rtti compiled names no type, which dynamic_cast would look into all the same. Such an object counts as no `To`.
template <class To, class From>
To* cast_to([[maybe_unused]] From* from) noexcept {
    static_assert(std::is_polymorphic_v<From>);
#ifdef __cpp_rtti
    if (!from) return nullptr;
    // The word before the virtual functions is the type's address (Itanium C++ ABI, 2.5.2).
    auto const* const table = *reinterpret_cast<void const* const* const*>(from);
    return table[-1] ? dynamic_cast<To*>(from) : nullptr;
#else
    static_assert(sizeof(To) == 0, "this asks an object for its dynamic type: compile this file without -fno-rtti");
    return nullptr;
#endif
}

} // namespace effects::detail
