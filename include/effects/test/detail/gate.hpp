// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

#include <effects/async/detail/waiter.hpp>

namespace effects::test::detail {

// How a mocked reply waits, in the world that the test runs in.
void wait_for(std::chrono::nanoseconds d);
[[noreturn]] void wait_for_ever(); // until the task is cancelled

// Closed at first; stays open. For the tasks of one world.
class gate {
public:
    explicit gate(char const* waiting_for) noexcept : what_(waiting_for) {}
    void wait();
    void open() noexcept {
        open_ = true;
        waiting_.wake_all();
    }
    bool is_open() const noexcept { return open_; }

private:
    char const* what_; // for reports of deadlocks
    bool open_ = false;
    async::detail::waiter_list waiting_;
};

} // namespace effects::test::detail
