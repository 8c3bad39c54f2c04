// SPDX-License-Identifier: BSL-1.0
#include <effects/async/barrier.hpp>

#include <stdexcept>

namespace effects::async {

barrier::barrier(std::size_t tasks) : tasks_(tasks) {
    if (tasks == 0) throw std::invalid_argument("a barrier is for one task at least");
}

bool barrier::arrive_and_wait() {
    detail::suspension_point("barrier::arrive_and_wait");
    if (waiting() + 1 == tasks_) {
        waiting_.wake_all();
        return true;
    }
    detail::waiter w("barrier::arrive_and_wait", this);
    waiting_.push_back(w);
    w.wait();
    return false;
}

} // namespace effects::async
