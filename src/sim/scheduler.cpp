// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/scheduler.hpp>

#include <chrono>
#include <exception>
#include <utility>

#include <effects/sim/detail/random.hpp>

namespace effects::sim {

using async::detail::task_base;

scheduler::scheduler(scheduler_options const& how) : how_(how), random_(how.seed) { seed_jitter(how.seed); }

void scheduler::post(std::function<void()> f) {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(f));
}

void scheduler::enqueue(task_base& task) noexcept { ready_.push_back(&task); }

task_base* scheduler::pick() noexcept {
    std::uint64_t z = detail::splitmix64(random_);
    auto i = static_cast<std::ptrdiff_t>(z % ready_.size());
    task_base* task = ready_[static_cast<std::size_t>(i)];
    ready_.erase(ready_.begin() + i); // keeps the order of the others: runs stay easy to follow
    return task;
}

void scheduler::run_posted() {
    std::vector<std::function<void()>> now;
    {
        std::lock_guard lock(posted_mutex_);
        now.swap(posted_);
    }
    for (auto& f : now) f();
}

std::string scheduler::waiting_tasks() const { return async::detail::describe_tasks(*this); }

void scheduler::loop(task_base& main, bool const& ended) {
    std::exception_ptr broken;
    std::uint64_t steps = 0;
    start(main);
    while (!ended) {
        run_posted();
        if (ready_.empty()) {
            if (async::time_point next = next_timer(); next != async::never) {
                if (next > now_) now_ = next;
                fire_timers();
                continue;
            }
            if (broken) std::terminate(); // tasks that wait without being cancellable, for tasks that are no more
            broken = std::make_exception_ptr(deadlock("every task waits, and no timer is set:" + waiting_tasks()));
            main.whole.cancel(async::reason::requested);
            continue;
        }
        if (++steps > how_.max_steps) {
            if (broken) std::terminate();
            broken = std::make_exception_ptr(
                livelock("no end after " + std::to_string(how_.max_steps) + " steps; tasks:" + waiting_tasks()));
            main.whole.cancel(async::reason::requested);
            steps = 0;
        }
        run(*pick());
    }
    if (broken) std::rethrow_exception(broken);
}

} // namespace effects::sim
