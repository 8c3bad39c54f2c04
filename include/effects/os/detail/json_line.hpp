// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>

#include <effects/os/clock.hpp>
#include <effects/os/log.hpp>

namespace effects::os::detail {

// What `log_to` writes, with its line's end.
std::string json_line(std::optional<system_time> at, operations::log const& line);

} // namespace effects::os::detail
