// SPDX-License-Identifier: BSL-1.0
#include <effects/async/timeout.hpp>

#include <algorithm>

#include <effects/async/detail/task_base.hpp>

namespace effects::async {

detail::deadline_scope::deadline_scope(duration limit) : limit_(limit), begun_(now()), scope_(after(begun_, limit)) {}

detail::deadline_scope::deadline_scope(time_point at)
    : limit_(duration::zero()), begun_(now()), scope_(at, false, reason::deadline) {
    if (at > begun_) limit_ = at - begun_;
}

void detail::deadline_scope::pass_on_others() const {
    scope const* outer = scope_.parent();
    if (outer && outer->pending()) throw cancelled(outer->why()); // wins, whichever came first
    if (!scope_.cancelled()) throw;
}

void detail::deadline_scope::throw_timed_out(std::string_view phase) const {
    throw timed_out(std::string(phase), limit_, std::max(duration::zero(), now() - begun_));
}

} // namespace effects::async
