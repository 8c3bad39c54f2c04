// SPDX-License-Identifier: BSL-1.0
#include <effects/live/shut_down.hpp>

#include <utility>

namespace effects::live {

shut_down::shut_down(std::string message)
    : error(std::make_error_code(std::errc::operation_canceled), std::move(message)) {}

} // namespace effects::live
