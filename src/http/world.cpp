// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include <effects/async/detail/task_base.hpp>
#include <effects/os/clock.hpp>
#include <effects/unhandled_operation.hpp>

namespace effects::http {

bool in_a_world() noexcept { return async::detail::current_task_or_null() != nullptr; }

async::time_point steady_now() { return in_a_world() ? async::now() : async::time_point{}; }

std::optional<date> wall_now() {
    try {
        return std::chrono::floor<std::chrono::seconds>(os::system_now());
    } catch (unhandled_operation const&) {
        return std::nullopt;
    }
}

} // namespace effects::http
