// SPDX-License-Identifier: BSL-1.0
#include <effects/os/error.hpp>

#include <utility>

#include "text.hpp"

namespace effects::os {
namespace {

std::string describe(std::error_code code, std::string_view verb, std::string_view path, std::string_view to) {
    std::string text = "cannot ";
    text += verb;
    if (!path.empty()) text.append(" ").append(printable(path));
    if (!to.empty()) text.append(" to ").append(printable(to));
    return text.append(": ").append(code.message());
}

} // namespace

error::error(std::errc code, std::string_view verb, std::string path, std::string_view to)
    : effects::error(std::make_error_code(code), describe(std::make_error_code(code), verb, path, to)),
      path_(std::move(path)) {}

error::error(std::error_code code, std::string message, std::string path)
    : effects::error(code, std::move(message)), path_(std::move(path)) {}

} // namespace effects::os
