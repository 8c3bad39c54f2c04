// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <effects/async/time.hpp>
#include <effects/async/timeout.hpp>

#include "date.hpp"

// What HTTP needs of the world besides the network. Where no world runs (a client called straight in a unit test, over
// transports in memory) time stands still and limits of time are not kept.
namespace effects::http {

bool in_a_world() noexcept;
async::time_point steady_now();
/// The calendar's time, where anybody knows it.
std::optional<date> wall_now();

/// As `async::timeout`; the error names the phase that `f(phase)` had come to when the time was over.
template <class F>
auto within(std::optional<std::chrono::nanoseconds> limit, F&& f) {
    char const* phase = "";
    if (!limit || !in_a_world()) return std::forward<F>(f)(phase);
    constexpr std::string_view mark = "a whole HTTP exchange"; // tells our limit from one further in
    try {
        return async::timeout(*limit, mark, [&] { return std::forward<F>(f)(phase); });
    } catch (async::timed_out const& e) {
        if (e.phase() != mark) throw;
        throw async::timed_out(phase, e.limit(), e.elapsed());
    }
}

} // namespace effects::http
