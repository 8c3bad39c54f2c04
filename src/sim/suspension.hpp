// SPDX-License-Identifier: BSL-1.0
// Calls that may wait in the live world are suspension points in the simulated one, too, even where nothing has to be waited for.
#pragma once

#include <string>

#include <effects/async/detail/task_base.hpp>

#include "names.hpp"

namespace effects::sim::detail {

inline void begin_to_wait(char const* call) {
    async::detail::suspension_point(call);
    if (auto* task = async::detail::current_task_or_null()) async::detail::refuse_what_waits(*task, call);
}

// Of a call that takes a name or an address, which need not be looked up.
inline void begin_to_resolve(std::string const& host) {
    if (is_address(host))
        async::detail::suspension_point("net::resolve");
    else
        begin_to_wait("net::resolve");
}

} // namespace effects::sim::detail
