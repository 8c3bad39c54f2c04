// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <memory>

#include <effects/async/detail/scheduler.hpp>
#include <effects/async/detail/scope.hpp>
#include <effects/live/options.hpp>

namespace effects::live::detail {

class name_cache;
class reactor;
class thread_set;
class watchdog;
class worker_pool;

// The scheduler of one thread of the live world: runs what is ready in order, and waits for descriptors, timers and
// posted functions (in `reactor`, on Asio) when nothing is.
class event_loop final : public async::detail::scheduler {
public:
    explicit event_loop(options const& how);
    ~event_loop() override;

    async::time_point now() noexcept override; // read when a task first asks in one stretch of running
    void post(std::function<void()> f) override;

    // Runs `main` until `ended`. A signal cancels what `until_shutdown` surrounds, or all of `main`.
    void run_main(async::detail::task_base& main, bool const& ended);

    // Around the body of the main task: a shutdown ends the body first, and what its handlers run in the background only
    // when it has let them go.
    class until_shutdown {
    public:
        explicit until_shutdown(event_loop& loop) noexcept : loop_(loop) { loop_.body_ = &scope_; }
        until_shutdown(until_shutdown const&) = delete;
        until_shutdown& operator=(until_shutdown const&) = delete;
        ~until_shutdown() { loop_.body_ = nullptr; }

    private:
        event_loop& loop_;
        async::detail::scope scope_;
    };

    reactor& io() noexcept { return *io_; }
    worker_pool& workers() noexcept { return *workers_; }
    name_cache& names() noexcept { return *names_; }

    // Of a world of several threads.
    void belong_to(thread_set& all, std::size_t index) noexcept {
        threads_ = &all;
        index_ = index;
    }
    void belong_to_none() noexcept { threads_ = nullptr; }
    thread_set* threads() const noexcept { return threads_; } // null: there is this one
    std::size_t index() const noexcept { return index_; }
    // The innermost of the world's own handlers, under which other threads' visitors begin.
    void lies_in(effects::detail::frame* world) noexcept { world_ = world; }
    effects::detail::frame* world() const noexcept { return world_; }

private:
    void enqueue(async::detail::task_base& task) noexcept override;
    async::detail::task_base* next_to_run() noexcept override;
    async::detail::task_base* take_ready() noexcept;
    void run_ready(bool const& ended);
    void run_ready_watched(bool const& ended);
    void print_tasks() const noexcept;
    void adapt() noexcept;
    void poll();
    void wait();

    options how_;
    thread_set* threads_ = nullptr;
    std::size_t index_ = 0;
    effects::detail::frame* world_ = nullptr;
    async::detail::scope* body_ = nullptr; // of the main task, while it runs
    std::unique_ptr<reactor> io_;
    std::unique_ptr<name_cache> names_;
    std::unique_ptr<worker_pool> workers_; // goes first: its threads post to the reactor
    async::detail::task_base* first_ready_ = nullptr;
    async::detail::task_base* last_ready_ = nullptr;
    async::time_point now_{};
    bool now_is_old_ = true;
    unsigned runs_between_polls_ = 16;
    unsigned runs_left_ = 0;                      // until the next poll
    async::time_point busy_since_ = async::never; // the last poll, when there has been something ready ever since
    std::unique_ptr<watchdog> watchdog_;          // in debug mode
};

} // namespace effects::live::detail
