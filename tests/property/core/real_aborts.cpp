// SPDX-License-Identifier: BSL-1.0
#include "real_handle.hpp"

namespace property {

int handle_aborts(world& w, step const& s, environment* around, held rest) {
    return handle_first<clause_kind::aborts>(w, s, around, std::move(rest));
}

} // namespace property
