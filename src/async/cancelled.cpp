// SPDX-License-Identifier: BSL-1.0
#include <effects/async/cancelled.hpp>

#include <cstdio>
#include <ostream>
#include <utility>

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

namespace {

std::string readable(std::chrono::nanoseconds d) {
    char text[40];
    double ns = static_cast<double>(d.count());
    if (d >= std::chrono::seconds(1))
        std::snprintf(text, sizeof text, "%.4g s", ns / 1e9);
    else if (d >= std::chrono::milliseconds(1))
        std::snprintf(text, sizeof text, "%.4g ms", ns / 1e6);
    else
        std::snprintf(text, sizeof text, "%.4g us", ns / 1e3);
    return text;
}

} // namespace

timed_out::timed_out(std::string phase, std::chrono::nanoseconds limit, std::chrono::nanoseconds elapsed)
    : error(std::make_error_code(std::errc::timed_out),
            phase + ": " + readable(elapsed) + " passed (limit " + readable(limit) + ")"),
      phase_(std::move(phase)), limit_(limit), elapsed_(elapsed) {}

} // namespace effects::async
