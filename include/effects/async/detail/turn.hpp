// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace effects::async::detail {

// A wait for nothing but the other ready tasks, which in another world is one for the machine: throws where that would, before it and after
// it. Where nothing can be waited for (outside a task, in a destructor while a body is unwound) it does not. `what` is said in reports.
void take_turn(char const* what);

} // namespace effects::async::detail
