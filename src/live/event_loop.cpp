// SPDX-License-Identifier: BSL-1.0
#include <effects/live/detail/event_loop.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <random>
#include <sstream>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "name_cache.hpp"
#include "reactor.hpp"
#include "signals.hpp"
#include "watchdog.hpp"
#include "worker_pool.hpp"

namespace effects::live::detail {

using async::detail::task_base;
using namespace std::chrono_literals;

namespace {

bool environment_asks_for_debug() noexcept {
    char const* const value = std::getenv("EFFECTS_DEBUG");
    return value && std::string_view(value) != "" && std::string_view(value) != "0";
}

} // namespace

event_loop::event_loop(options const& how)
    : how_(how), io_(std::make_unique<reactor>()), names_(std::make_unique<name_cache>(*this, how.dns_ttl)),
      workers_(std::make_unique<worker_pool>(how.blocking_threads)) {
    set_stack_size(how.stack_size);
    seed_jitter(std::random_device{}()); // clients must not retry in step
    if (!how.debug && !environment_asks_for_debug()) return;
    watchdog_ = std::make_unique<watchdog>(how.debugging);
    set_debugger(watchdog_.get());
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
    if (!first_ready_ || runs_left_ == 0) return nullptr;
    --runs_left_;
    return take_ready();
}

[[gnu::always_inline]] inline task_base* event_loop::take_ready() noexcept {
    task_base* task = first_ready_;
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

// The same, with a look at each: `next_to_run` gives a task that parks none to go on with, since no runs are left.
void event_loop::run_ready_watched(bool const& ended) {
    runs_left_ = 0;
    unsigned left = runs_between_polls_;
    for (; left > 0 && first_ready_; --left) {
        run_watched(*take_ready());
        if (ended) return;
    }
    now_is_old_ = true;
    if (left == 0) adapt();
    if (watchdog_->next_due() <= now()) watchdog_->look(now());
}

// In one piece: other threads write there, too.
void event_loop::print_tasks() const noexcept {
    try {
        std::ostringstream text;
        text << "effects: the tasks of a live world\n";
        async::detail::dump_tasks(text, *this);
        std::string const all = std::move(text).str();
        std::fwrite(all.data(), 1, all.size(), stderr);
    } catch (std::exception const&) { // no memory for it
    }
}

void event_loop::poll() {
    io_->poll();
    now_is_old_ = true;
}

void event_loop::wait() {
    async::time_point limit = next_timer();
    if (watchdog_) limit = std::min(limit, watchdog_->next_due());
    io_->wait(now(), limit);
    now_is_old_ = true;
    busy_since_ = async::never;
}

void event_loop::run_main(task_base& main, bool const& ended) {
    std::optional<signal_listener> shutdown, dump;
    std::optional<bell> on_shutdown, on_dump;
    auto hear = [this](auto& listener, auto& on_signal, signal_listener::purpose of, auto then) {
        listener.emplace(of);
        on_signal.emplace(*io_, listener->fd(), [&listener, then] {
            std::uint64_t count = 0;
            if (::read(listener->fd(), &count, sizeof count) > 0) then();
        });
    };
    if (how_.handle_signals)
        hear(shutdown, on_shutdown, signal_listener::purpose::shutdown,
             [&] { (body_ ? *body_ : main.whole).cancel(async::reason::shutdown); });
    if (watchdog_) hear(dump, on_dump, signal_listener::purpose::dump, [this] { print_tasks(); });

    watchdog_ ? start_watched(main) : start(main);
    while (!ended) {
        watchdog_ ? run_ready_watched(ended) : run_ready(ended);
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
