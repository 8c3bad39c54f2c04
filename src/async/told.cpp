// SPDX-License-Identifier: BSL-1.0
#include "told.hpp"

#include <cstdio>

#include <effects/async/cancelled.hpp>

namespace effects::async {

std::string told(std::chrono::nanoseconds d) {
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

std::string told(std::exception_ptr const& e) {
    constexpr std::size_t most = 200;
    try {
        std::rethrow_exception(e);
    } catch (std::exception const& known) {
        std::string text = known.what();
        if (text.size() <= most) return text;
        std::size_t end = most; // not within a character of UTF-8
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
        return text.erase(end) + "…";
    } catch (cancelled const& c) {
        return "cancelled (" + std::string(to_string(c.why())) + ")";
    } catch (...) {
        return "an exception that is not a std::exception";
    }
}

} // namespace effects::async
