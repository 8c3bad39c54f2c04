// SPDX-License-Identifier: BSL-1.0
// Debug mode of a live world: a thread beside the event loop's that looks at how long the running task has had it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include <effects/async/detail/debugger.hpp>
#include <effects/async/detail/task_base.hpp>

namespace effects::live::detail {

class watchdog final : public async::detail::debugger {
public:
    explicit watchdog(async::debug_options how);
    ~watchdog() override;

    void begins(async::detail::task_base const& task) override;
    void ends(async::detail::task_base const& task) noexcept override;

private:
    // A task's hold of the thread, with a copy of what is to be said of it: the task itself is the loop's.
    struct hold {
        char name[160];
        std::size_t length;
        std::source_location spawned_at;
        async::time_point since;
        async::duration told_of = {}; // of tasks that it spawned, and that have been reported for themselves
        bool reported = false;        // while it lasts
    };

    void watch();
    std::optional<async::debug_report> look_at_holds();
    static async::debug_report report_of(hold const& h, async::duration d, char const* then);

    std::mutex mutex_; // guards what follows, up to the blank line
    std::condition_variable stop_;
    bool over_ = false;
    std::vector<hold> holds_; // the running task is the last; the one before it has spawned it

    std::thread thread_;
};

} // namespace effects::live::detail
