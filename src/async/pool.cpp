// SPDX-License-Identifier: BSL-1.0
#include <effects/async/pool.hpp>

#include <effects/async/detail/scheduler.hpp>

namespace effects::async::detail {

void check_pool(bool creates, std::size_t max) {
    if (max == 0) throw std::invalid_argument("an async::pool with a max of 0 would never lend anything");
    if (!creates) throw std::invalid_argument("an async::pool needs a `create` that makes its resources");
}

time_point now_if_known() noexcept {
    task_base* task = current_task_or_null();
    return task ? task->home->now() : time_point{};
}

void throw_no_lease() {
    throw std::logic_error("this async::lease is empty: it was given back, discarded or moved from");
}

} // namespace effects::async::detail
