// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace effects::os::detail {

// A limit of time on what its maker does until it goes, for handlers of `os` that wait: they know nothing of tasks, but the worlds do.
class time_limit {
public:
    time_limit() = default;
    time_limit(time_limit const&) = delete;
    time_limit& operator=(time_limit const&) = delete;
    virtual ~time_limit() = default;
    // In a catch block: throws the world's error where it is this limit that ended the work.
    virtual void throw_if_passed() const = 0;
};

// Makes one. The worlds answer; outside of them nothing waits, and there is none.
struct limit_time {
    using result_type = std::unique_ptr<time_limit>;
    static constexpr bool replayable = false;
    std::chrono::nanoseconds limit;
    std::string phase;

    static result_type default_answer(limit_time const&) { return nullptr; }
};

} // namespace effects::os::detail
