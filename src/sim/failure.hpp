// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <system_error>

#include <effects/net/error.hpp>

namespace effects::sim::detail {

// In the words of the live world, so that what a program reads of an error is the same in both.
[[noreturn]] inline void fail(std::error_code code, std::string const& doing, char const* what) {
    net::error e(code, what);
    e.add_context(doing);
    throw e;
}
[[noreturn]] inline void fail(std::errc code, std::string const& doing, char const* what) {
    fail(std::make_error_code(code), doing, what);
}

} // namespace effects::sim::detail
