// SPDX-License-Identifier: BSL-1.0
#include <effects/live/detail/event_loop.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>

#include <unistd.h>

#include "name_cache.hpp"
#include "reactor.hpp"
#include "signals.hpp"
#include "worker_pool.hpp"

namespace effects::live::detail {

using async::detail::task_base;
using namespace std::chrono_literals;

event_loop::event_loop(options const& how)
    : how_(how), io_(std::make_unique<reactor>()), names_(std::make_unique<name_cache>(*this, how.dns_ttl)),
      workers_(std::make_unique<worker_pool>(how.blocking_threads)) {
    set_stack_size(how.stack_size);
    seed_jitter(std::random_device{}()); // clients must not retry in step
}

event_loop::~event_loop() = default;

async::time_point event_loop::now() noexcept {
    if (now_is_old_) {
        now_ = std::chrono::steady_clock::now();
        now_is_old_ = false;
    }
    return now_;
}

void event_loop::post(std::function<void()> f) { io_->post(std::move(f)); }

void event_loop::enqueue(task_base& task) noexcept {
    task.next_ready = nullptr;
    (last_ready_ ? last_ready_->next_ready : first_ready_) = &task;
    last_ready_ = &task;
}

task_base* event_loop::next_to_run() noexcept {
    task_base* task = first_ready_;
    if (!task || runs_left_ == 0) return nullptr;
    --runs_left_;
    now_is_old_ = true;
    first_ready_ = task->next_ready;
    if (!first_ready_) last_ready_ = nullptr;
    return task;
}

// Looking at the reactor is a system call: when there is always something ready, it is done every 50 to 200 µs, so
// that neither tasks nor descriptors and timers wait for long.
void event_loop::adapt() noexcept {
    async::time_point const since = std::exchange(busy_since_, now());
    if (since == async::never) return;
    async::duration const took = busy_since_ - since;
    if (took > 200us)
        runs_between_polls_ = std::max(runs_between_polls_ / 2, 1u);
    else if (took < 50us)
        runs_between_polls_ = std::min(runs_between_polls_ * 2, 1024u);
}

// Until none is ready, or the reactor's turn has come.
void event_loop::run_ready(bool const& ended) {
    runs_left_ = runs_between_polls_;
    while (task_base* task = next_to_run()) {
        run(*task);
        if (ended) return;
    }
    now_is_old_ = true;
    if (runs_left_ == 0) adapt();
}

void event_loop::poll() {
    io_->poll();
    now_is_old_ = true;
}

void event_loop::wait() {
    io_->wait(now(), next_timer());
    now_is_old_ = true;
    busy_since_ = async::never;
}

void event_loop::run_main(task_base& main, bool const& ended) {
    std::optional<shutdown_signals> signals;
    std::optional<bell> on_signal;
    if (how_.handle_signals) {
        signals.emplace();
        on_signal.emplace(*io_, signals->fd(), [&] {
            std::uint64_t count = 0;
            if (::read(signals->fd(), &count, sizeof count) > 0)
                (body_ ? *body_ : main.whole).cancel(async::reason::shutdown);
        });
    }

    start(main);
    while (!ended) {
        run_ready(ended);
        if (ended) break;
        now_is_old_ = true;
        if (next_timer() != async::never) fire_timers();
        if (first_ready_)
            poll();
        else
            wait();
    }
}

} // namespace effects::live::detail
