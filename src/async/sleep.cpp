// SPDX-License-Identifier: BSL-1.0
#include <effects/async/sleep.hpp>

#include <effects/async/detail/scheduler.hpp>
#include <effects/async/detail/waiter.hpp>
#include <effects/perform.hpp>

namespace effects::async {

void sleep_until(time_point at) {
    detail::waiter w("sleep", nullptr);
    w.wait_until(at);
}

void detail::sleep(duration d) {
    if (d <= duration::zero()) return yield();
    sleep_until(after(now(), d));
}

void yield() {
    detail::task_base& task = detail::current_task();
    detail::throw_if_cancelled(task, "yield");
    perform(suspend{.what = "yield", .ready = true});
    detail::throw_if_cancelled(task, "yield");
}

void checkpoint() { detail::throw_if_cancelled(detail::current_task(), "checkpoint"); }

} // namespace effects::async
