// SPDX-License-Identifier: BSL-1.0
#include <effects/async/local.hpp>

#include <stdexcept>
#include <string>

namespace effects::async {

void detail::throw_no_local(std::string_view type) {
    throw std::logic_error("this async::local<" + std::string(type) +
                           "> has no value here: bind one around it, with(value, body), give it one for everywhere, or "
                           "ask with find()");
}

} // namespace effects::async
