// SPDX-License-Identifier: BSL-1.0
#include <effects/async/must_not_suspend.hpp>

#include <utility>

#include <effects/async/detail/task_base.hpp>

namespace effects::async {

must_not_suspend::must_not_suspend(char const* what, std::source_location where) noexcept
    : what_(what), where_(where), task_(detail::current_task_or_null()) {
    if (!task_) return;
    outer_ = std::exchange(task_->holds, this);
    effects::detail::thread_state& thread = *effects::detail::this_thread(); // it can't be captured
    pinned_ = thread.running;
    if (pinned_) ++pinned_->pinned;
    ++thread.pinned;
}

must_not_suspend::~must_not_suspend() {
    if (!task_) return;
    if (pinned_) --pinned_->pinned;
    --effects::detail::this_thread()->pinned;
    task_->holds = outer_;
}

} // namespace effects::async
