// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/async/detail/scheduler.hpp>

namespace effects::sim {

/// How a simulated scheduler picks, and when it gives up.
struct scheduler_options {
    std::uint64_t seed = 1;
    std::uint64_t max_steps = 10'000'000;
};

/// Every task waits, and no timer is set: nothing can ever happen again. Names each task and what it waits for.
class deadlock : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// The step budget is used up: tasks go on for ever, without time passing or without an end.
class livelock : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// The scheduler of a simulated world, and the handler of its operations. See `sim::run`.
class scheduler final : public async::detail::scheduler {
public:
    explicit scheduler(scheduler_options const& how);

    async::time_point now() noexcept override { return now_; }
    bool over_budget() noexcept override { return ++steps_ > how_.max_steps; }
    void post(std::function<void()> f) override;

    // Runs `main` until `ended`. What keeps it from ending (deadlock, livelock) is thrown after all tasks have been cancelled: if need be,
    // also what is shielded. Ends the process, and says why, where even that does not end them.
    void loop(async::detail::task_base& main, bool const& ended);

private:
    void enqueue(async::detail::task_base& task) noexcept override;
    async::detail::task_base* pick() noexcept;
    void run_posted();
    void report_waits_until(async::time_point next) noexcept;
    std::string waiting_tasks() const;
    void break_off(async::detail::task_base& main);
    [[noreturn]] void terminate() const;

    scheduler_options how_;
    async::time_point now_{};
    std::uint64_t random_;
    std::uint64_t steps_ = 0;
    std::exception_ptr broken_;
    bool cancelled_ = false; // for it
    int rounds_ = 0;         // of the step budget that were used up
    std::vector<async::detail::task_base*> ready_;
    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_;
};

} // namespace effects::sim
