// SPDX-License-Identifier: BSL-1.0
#include <effects/async/cancelled.hpp>

#include <ostream>
#include <utility>

#include "told.hpp"

namespace effects::async {

std::string_view to_string(reason why) noexcept {
    switch (why) {
    case reason::requested:
        return "requested";
    case reason::timed_out:
        return "timed out";
    case reason::deadline:
        return "deadline passed";
    case reason::sibling_failed:
        return "sibling failed";
    case reason::lost_race:
        return "lost race";
    case reason::group_ended:
        return "group ended";
    case reason::shutdown:
        return "shutdown";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, reason why) { return out << to_string(why); }

timed_out::timed_out(std::string phase, std::chrono::nanoseconds limit, std::chrono::nanoseconds elapsed)
    : error(std::make_error_code(std::errc::timed_out),
            phase + ": " + told(elapsed) + " passed (limit " + told(limit) + ")"),
      phase_(std::move(phase)), limit_(limit), elapsed_(elapsed) {}

} // namespace effects::async
