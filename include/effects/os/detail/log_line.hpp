// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>

#include <effects/os/clock.hpp>
#include <effects/os/log.hpp>

namespace effects::os::detail {

// What `log_to` writes, with its line's end.
std::string log_line(log_format format, std::optional<system_time> at, operations::log const& line);

// A field's value as in JSON.
void append_value(std::string& out, log_field::value_type const& value);

} // namespace effects::os::detail
