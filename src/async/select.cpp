// SPDX-License-Identifier: BSL-1.0
#include <effects/async/select.hpp>

#include <cstdint>
#include <stdexcept>

#include <effects/async/detail/scheduler.hpp>

namespace effects::async::detail {

time_point until_after(duration limit) { return limit == duration::max() ? never : after(now(), limit); }

std::size_t select_one(select_case* const* cases, std::size_t count, bool waits, time_point until) {
    suspension_point("select");
    std::size_t ready = 0;
    std::size_t first = no_case;
    bool any = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (!cases[i]) continue;
        any = true;
        if (!cases[i]->ready()) continue;
        if (ready++ == 0) first = i;
    }
    if (ready > 1)
        if (task_base* task = current_task_or_null())
            for (std::uint64_t skip = task->draw() % ready; skip > 0; --skip)
                while (!cases[++first] || !cases[first]->ready()) {
                }
    if (ready != 0) {
        cases[first]->go();
        return first;
    }
    if (!waits) return no_case;
    if (!any && until == never)
        throw std::logic_error("async::select would wait for ever: none of its cases takes part");
    if (!any) {
        waiter sleeper("select", nullptr);
        sleeper.wait_until(until);
        return no_case;
    }

    // From here to the wait nothing suspends, so no case can go twice.
    waiter* ring = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        if (!cases[i]) continue;
        waiter& w = cases[i]->enlist();
        if (ring)
            w.tie_to(*ring);
        else
            ring = &w;
    }
    waiter* woken = waiter::wait_for_one(*ring, until);
    for (std::size_t i = 0; i < count; ++i)
        if (woken && cases[i] && cases[i]->waits_with(*woken)) return i;
    return no_case;
}

} // namespace effects::async::detail
