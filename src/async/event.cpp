// SPDX-License-Identifier: BSL-1.0
#include <effects/async/event.hpp>

namespace effects::async {

void event::wait() {
    detail::suspension_point("event::wait");
    if (set_) return;
    detail::waiter w("event::wait", this);
    waiting_.push_back(w);
    w.wait();
}

} // namespace effects::async
