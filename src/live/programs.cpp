// SPDX-License-Identifier: BSL-1.0
#include <effects/live/system.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <source_location>

#include <fcntl.h>
#include <poll.h>

#include <effects/async/blocking.hpp>
#include <effects/async/shield.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>
#include <effects/live/detail/event_loop.hpp>
#include <effects/live/detail/services.hpp>
#include <effects/os/detail/program_run.hpp>
#include <effects/os/error.hpp>

#include "child_process.hpp"
#include "reactor.hpp"

namespace effects::live {

namespace {

using detail::child_process;
using os::operations::run;

constexpr async::duration no_limit = async::duration::max();

// ---- two ways to wait ----

// The task does, and others run.
class by_task {
public:
    by_task(detail::event_loop& loop, child_process const& of) : ready_(loop.io(), another(of.ready_fd())) {}

    static async::time_point now() { return async::now(); }

    // False: it is not over within the limit.
    bool run(child_process& child, async::duration limit) {
        auto to_its_end = [&] {
            for (;;) switch (child.step()) {
                case child_process::next::over:
                    return;
                case child_process::next::go_on:
                    async::yield();
                    break;
                case child_process::next::wait:
                    ready_.wait(detail::direction::read, "os::run");
                    break;
                }
        };
        return async::try_timeout(limit, to_its_end).has_value();
    }

    template <class F>
    static void undisturbed(F f) {
        async::shield(f);
    }

private:
    static int another(int fd) {
        int const made = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (made < 0) throw os::error(static_cast<std::errc>(errno), "wait for a program", {});
        return made;
    }

    // The reactor hears of edges only: before each wait `step` has seen that there is nothing.
    detail::descriptor ready_;
};

// The thread does: outside of any world, and where a body is given up, which can't be suspended.
class by_thread {
public:
    static async::time_point now() { return std::chrono::steady_clock::now(); }

    static bool run(child_process& child, async::duration limit) {
        async::time_point const end = async::after(now(), limit);
        for (;;) {
            child_process::next const next = child.step();
            if (next == child_process::next::over) return true;
            async::duration const left = end == async::never ? no_limit : end - now();
            if (left <= async::duration::zero()) return false;
            if (next == child_process::next::wait) wait(child, left);
        }
    }

    template <class F>
    static void undisturbed(F f) {
        f();
    }

private:
    static void wait(child_process const& child, async::duration most) {
        using namespace std::chrono;
        pollfd ready{child.ready_fd(), POLLIN, 0};
        auto const ms = std::min<async::duration>(most, 1h) / 1ms + 1;
        ::poll(&ready, 1, most == no_limit ? -1 : static_cast<int>(ms));
    }
};

// ---- the program's life ----

// Asks the group to end, then makes it. Who waits is told only afterwards: nothing of it runs on behind his back.
template <class Waits>
void stop(child_process& child, Waits& waits, async::duration grace) {
    waits.undisturbed([&] {
        child.terminate();
        if (waits.run(child, std::max(grace, async::duration::zero()))) return;
        child.kill();
        waits.run(child, no_limit);
    });
}

template <class Waits>
os::completed to_its_end(run const& op, child_process& child, Waits& waits, async::time_point begun) {
    os::run_options const& how = op.options;
    async::duration const limit = std::max(how.timeout.value_or(no_limit), async::duration::zero());
    try {
        async::duration const left = limit == no_limit ? no_limit : std::max(limit - (waits.now() - begun), {});
        if (!waits.run(child, left)) throw async::timed_out(os::detail::phase_of(op), limit, waits.now() - begun);
        return child.finish();
    } catch (async::timed_out& e) {
        stop(child, waits, how.stop_grace);
        e.add_note(child.last_words());
        throw;
    } catch (...) {
        stop(child, waits, how.stop_grace);
        throw;
    }
}

detail::event_loop* loop_to_wait_in() {
    if (effects::detail::in_unwinding()) return nullptr;
    async::detail::task_base const* task = async::detail::current_task_or_null();
    detail::event_loop* loop = perform(detail::reach_loop{});
    return task && task->home == loop ? loop : nullptr; // in another world inside this one, its tasks can't
}

} // namespace

os::completed system_programs::operator()(run const& op) const {
    os::detail::check(op);
    if (detail::event_loop* loop = loop_to_wait_in()) {
        async::time_point const begun = async::now();
        auto start = [&] { return std::make_unique<child_process>(op); };
        auto const child = async::detail::blocking_in("os::run", start, {}, std::source_location::current());
        by_task waits(*loop, *child);
        return to_its_end(op, *child, waits, begun);
    }
    async::time_point const begun = by_thread::now();
    child_process child(op);
    by_thread waits;
    return to_its_end(op, child, waits, begun);
}

} // namespace effects::live
