// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <string>

#include <effects/async/detail/waiter.hpp>

namespace effects::test::detail {

// How a mocked reply waits, in the world that the test runs in.
void wait_for(std::chrono::nanoseconds d);
[[noreturn]] void wait_for_ever(std::string const& what); // until the task is cancelled

// Closed at first; stays open. For the tasks of one world.
class gate {
public:
    void wait(std::string const& what); // as reports of deadlocks call it
    void open() noexcept {
        open_ = true;
        waiting_.wake_all();
    }
    bool is_open() const noexcept { return open_; }

private:
    bool open_ = false;
    async::detail::waiter_list waiting_;
};

} // namespace effects::test::detail
