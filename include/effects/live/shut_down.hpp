// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/error.hpp>

namespace effects::live {

/// Thrown by `live::run` when SIGINT or SIGTERM made it cancel its body, and set in the futures of tasks that a
/// `live::runtime` cancelled at its end. `code()` is `std::errc::operation_canceled`.
///
///     try { live::run(serve); } catch (live::shut_down const&) { return 0; }   // asked to stop: not a failure
class shut_down : public error {
public:
    explicit shut_down(std::string message = "the program was asked to end");
    [[noreturn]] void throw_copy() const override { throw *this; }
};

} // namespace effects::live
