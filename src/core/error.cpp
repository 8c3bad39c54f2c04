// SPDX-License-Identifier: BSL-1.0
#include <effects/error.hpp>

namespace effects {

error::error(std::error_code code, std::string message) : code_(code), message_(std::move(message)), what_(message_) {}

void error::add_context(std::string_view doing) {
    std::string longer;
    longer.reserve(doing.size() + what_.size() + 8);
    longer.append("while ").append(doing).append(": ").append(what_);
    what_ = std::move(longer);
}

} // namespace effects
