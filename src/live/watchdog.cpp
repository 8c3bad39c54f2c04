// SPDX-License-Identifier: BSL-1.0
#include "watchdog.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "signals.hpp"

namespace effects::live::detail {

using async::detail::task_base;
using namespace std::chrono_literals;

watchdog::watchdog(async::debug_options how) : debugger(std::move(how)) {
    holds_.reserve(64);
    if (options().slow_task == async::duration::max()) return;
    signals_blocked const here;
    thread_ = std::thread([this] { watch(); });
}

watchdog::~watchdog() {
    {
        std::lock_guard lock(mutex_);
        over_ = true;
        stop_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void watchdog::begins(task_base const& task) {
    std::lock_guard lock(mutex_);
    hold& h = holds_.emplace_back();
    h.length = async::detail::write_path(task, h.name, sizeof h.name);
    h.spawned_at = task.spawned_at;
    h.since = std::chrono::steady_clock::now();
}

void watchdog::ends(task_base const& task) noexcept {
    std::optional<async::debug_report> found;
    {
        std::lock_guard lock(mutex_);
        hold const h = holds_.back();
        holds_.pop_back();
        async::duration const whole = std::chrono::steady_clock::now() - h.since;
        async::duration const own = whole - h.told_of;
        bool const slow = h.reported || own > options().slow_task;
        if (!holds_.empty()) holds_.back().told_of += slow ? whole : h.told_of;
        if (!slow) return;
        bool const ended = task.state == task_base::state_type::ended;
        try {
            found = report_of(h, own, ended || !task.waits_for ? "" : task.waits_for);
        } catch (std::exception const&) { // no memory for it
            return;
        }
    }
    report(*found);
}

async::debug_report watchdog::report_of(hold const& h, async::duration d, char const* then) {
    return {async::debug_finding::slow_task, std::string(h.name, h.length), async::detail::text_of(h.spawned_at),
            async::detail::held_thread_for(d, then)};
}

// ---- on its own thread ----

// It asks now and then rather than being told of each task: that costs the loop no wake-up.
void watchdog::watch() {
    auto const period = std::clamp<async::duration>(options().slow_task / 4, 1ms, 1s);
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, period, [this] { return over_; })) {
        auto const found = look_at_holds();
        if (!found) continue;
        lock.unlock(); // whoever gets it may take its time
        report(*found);
        lock.lock();
    }
}

// The innermost that is slow by itself, once. To one that has spawned another, the time of that other counts only when it
// has ended, and was not too long for itself.
std::optional<async::debug_report> watchdog::look_at_holds() {
    async::time_point until = std::chrono::steady_clock::now();
    for (auto h = holds_.rbegin(); h != holds_.rend() && !h->reported; ++h) {
        async::duration const own = until - h->since - h->told_of;
        until = h->since;
        if (own <= options().slow_task) continue;
        h->reported = true;
        try {
            return report_of(*h, own, nullptr);
        } catch (std::exception const&) { // no memory for it
            break;
        }
    }
    return std::nullopt;
}

} // namespace effects::live::detail
