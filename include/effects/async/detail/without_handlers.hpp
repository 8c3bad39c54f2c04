// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/detail/lookup.hpp>
#include <effects/detail/thread.hpp>

namespace effects::async::detail {

// While one lives, this thread has no handlers and runs no task, as a worker thread has and runs none. `why` explains it to who performs
// nevertheless. Nothing suspends meanwhile, as there is nobody to ask.
class without_handlers {
    class none {
    public:
        none() noexcept {
            effects::detail::thread_state& thread = *effects::detail::this_thread();
            top_ = thread.top;
            task_ = thread.task;
            thread.top = &effects::detail::root_frame;
            thread.task = nullptr;
        }
        none(none const&) = delete;
        none& operator=(none const&) = delete;
        ~none() {
            effects::detail::thread_state& thread = *effects::detail::this_thread();
            thread.top = top_;
            thread.task = task_;
        }

    private:
        effects::detail::frame* top_;
        void* task_;
    };

public:
    explicit without_handlers(char const* why) noexcept : explanation_(why) {}

private:
    none none_; // first, as the explanation is for where there are none
    effects::detail::explains_no_handlers explanation_;
};

} // namespace effects::async::detail
