// SPDX-License-Identifier: BSL-1.0
// What options may say. Each throws std::invalid_argument that names the option and its value.
#pragma once

#include <string>

#include <effects/async/time.hpp>
#include <effects/sim/network.hpp>

namespace effects::sim::detail {

std::string text_of(async::duration d); // "1500 ms"
[[noreturn]] void refuse(std::string const& option, std::string const& value, char const* rule);

void check_not_negative(std::string const& option, async::duration d);
void check(link const& how, std::string const& of);
void check(network_options const& how);

} // namespace effects::sim::detail
