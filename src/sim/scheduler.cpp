// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/scheduler.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <utility>

#include <effects/async/detail/debugger.hpp>
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

// The first time by cancelling the main task, with all that is in it. What is shielded, and waits on nevertheless, is cancelled after that.
void scheduler::break_off(task_base& main) {
    if (!std::exchange(cancelled_, true)) return main.whole.cancel(async::reason::requested);
    for (task_base* t = first_task(); t; t = t->next_task)
        async::detail::scope::cancel_through_shields(*t->innermost, async::reason::requested);
    if (ready_.empty()) terminate(); // they wait without being cancellable, for what will not come
}

void scheduler::terminate() const {
    try {
        std::rethrow_exception(broken_);
    } catch (std::exception const& e) {
        std::fprintf(stderr,
                     "effects::sim: %s\nand it can't be ended, as these do not end when they are cancelled:%s\n",
                     e.what(), waiting_tasks().c_str());
    }
    std::terminate();
}

// Between the tasks, so that they run as they do without.
void scheduler::report_waits_until(async::time_point next) noexcept {
    async::detail::debugger& d = *debugging();
    for (async::time_point due = d.next_due(); due < next; due = d.next_due()) {
        if (due > now_) now_ = due;
        d.look(now_);
    }
}

void scheduler::loop(task_base& main, bool const& ended) {
    start(main);
    while (!ended) {
        run_posted();
        if (ready_.empty()) {
            if (async::time_point next = next_timer(); next != async::never) {
                if (debugging()) report_waits_until(next);
                if (next > now_) now_ = next;
                fire_timers();
                continue;
            }
            if (!broken_)
                broken_ = std::make_exception_ptr(deadlock("every task waits, and no timer is set:" + waiting_tasks()));
            break_off(main);
            continue;
        }
        if (++steps_ > how_.max_steps) {
            if (!broken_)
                broken_ = std::make_exception_ptr(
                    livelock("no end after " + std::to_string(how_.max_steps) + " steps; tasks:" + waiting_tasks()));
            constexpr int most_rounds = 10;
            if (++rounds_ > most_rounds) terminate(); // one swallows each cancellation
            break_off(main);
            steps_ = 0;
        }
        run(*pick());
    }
    if (broken_) std::rethrow_exception(broken_);
}

} // namespace effects::sim
