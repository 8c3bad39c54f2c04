// SPDX-License-Identifier: BSL-1.0
#include "real_handle.hpp"

namespace property {

int handle_on(world& w, step const& s, environment* around, held rest) {
    return handle_first<clause_kind::on>(w, s, around, std::move(rest));
}

} // namespace property
