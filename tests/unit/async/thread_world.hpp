// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <effects/async.hpp>
#include <effects/async/detail/world.hpp>

// The smallest world that runs in real time on one thread and can be posted to from others: for what is about threads.
class thread_world final : public effects::async::detail::scheduler {
public:
    template <class Body>
    static auto run(Body body) {
        thread_world world;
        return effects::async::detail::run_main(
            world, world, [&](effects::async::detail::task_base& main, bool const& ended) { world.loop(main, ended); },
            body);
    }

    effects::async::time_point now() noexcept override { return std::chrono::steady_clock::now(); }
    void post(std::function<void()> f) override {
        std::lock_guard lock(mutex_);
        posted_.push_back(std::move(f));
        changed_.notify_one();
    }

private:
    void enqueue(effects::async::detail::task_base& task) noexcept override { ready_.push_back(&task); }

    void loop(effects::async::detail::task_base& main, bool const& ended) {
        start(main);
        while (!ended) {
            std::vector<std::function<void()>> now_due;
            {
                std::unique_lock lock(mutex_);
                if (ready_.empty() && posted_.empty()) {
                    auto next = next_timer();
                    auto patience = now() + std::chrono::seconds(30);
                    if (!changed_.wait_until(lock, std::min(next, patience), [&] { return !posted_.empty(); }) &&
                        next > patience)
                        throw std::logic_error("nothing happens:" + effects::async::detail::describe_tasks(*this));
                }
                now_due.swap(posted_);
            }
            for (auto& f : now_due) f();
            fire_timers();
            if (ready_.empty()) continue;
            auto* next = ready_.front();
            ready_.pop_front();
            effects::async::detail::scheduler::run(*next);
        }
    }

    std::deque<effects::async::detail::task_base*> ready_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::function<void()>> posted_;
};
