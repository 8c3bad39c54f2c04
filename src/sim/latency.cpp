// SPDX-License-Identifier: BSL-1.0
#include <effects/sim/latency.hpp>

#include <algorithm>

#include <effects/sim/detail/random.hpp>

#include "checks.hpp"

// Integers, and floating-point operations that IEEE 754 rounds in one way only: the standard library's distributions, and its
// logarithm, differ from library to library.
namespace effects::sim {

namespace {

using async::duration;

constexpr std::uint64_t one = std::uint64_t{1} << 32; // fractions are in units of 2^-32

std::uint64_t fraction(std::uint64_t& random) noexcept { return detail::splitmix64(random) >> 32; }

duration sum(duration a, duration b) noexcept { return b > duration::max() - a ? duration::max() : a + b; }

// d * (whole + part / 2^32), saturating.
duration times(duration d, std::uint64_t whole, std::uint64_t part) noexcept {
    auto n = static_cast<std::uint64_t>(d.count());
    constexpr auto most = static_cast<std::uint64_t>(duration::max().count());
    if (n != 0 && whole > most / n) return duration::max();
    std::uint64_t of_part = (n >> 32) * part + (((n & (one - 1)) * part) >> 32);
    return sum(duration(static_cast<std::int64_t>(n * whole)), duration(static_cast<std::int64_t>(of_part)));
}

// Mean 1, without a logarithm: von Neumann's method (Various techniques used in connection with random digits, 1951). The first of a
// falling run of uniform numbers counts if the run's length is odd, which has the probability e^-x.
duration draw_exponential(duration mean, std::uint64_t& random) noexcept {
    for (std::uint64_t whole = 0;; ++whole) {
        std::uint64_t const first = fraction(random);
        bool odd = true;
        for (std::uint64_t last = first, next; (next = fraction(random)) < last; last = next) odd = !odd;
        if (odd) return times(mean, whole, first);
    }
}

duration draw_long_tail(duration median, duration most, std::uint64_t& random) noexcept {
    std::uint64_t const u = fraction(random) + 1; // 1 … 2^32
    double const times_median = static_cast<double>(one - u) / static_cast<double>(u);
    double const d = static_cast<double>(median.count()) * times_median;
    return d >= static_cast<double>(most.count()) ? most : duration(static_cast<std::int64_t>(d));
}

void check(char const* kind, duration least, char const* option, duration value, bool not_below) {
    std::string const of = std::string("latency::") + kind + ": ";
    detail::check_not_negative(of + "least", least);
    detail::check_not_negative(of + option, value);
    if (not_below && value < least)
        detail::refuse(of + option, detail::text_of(value),
                       ("it is not below least, which is " + detail::text_of(least)).c_str());
}

} // namespace

latency latency::constant(duration always) {
    detail::check_not_negative("latency::constant: always", always);
    return {kind::uniform, always, always, always};
}

latency latency::uniform(duration least, duration most) {
    check("uniform", least, "most", most, true);
    return {kind::uniform, least, most, most};
}

latency latency::exponential(duration least, duration mean, duration most) {
    check("exponential", least, "mean", mean, false);
    check("exponential", least, "most", most, true);
    return {kind::exponential, least, mean, most};
}

latency latency::long_tail(duration least, duration median, duration most) {
    check("long_tail", least, "median", median, true);
    check("long_tail", least, "most", most, true);
    return {kind::long_tail, least, median, most};
}

duration latency::draw(std::uint64_t& random) const noexcept {
    duration const spread = middle_ - least_; // not of an exponential one
    switch (kind_) {
    case kind::uniform:
        if (spread == duration(0)) return least_;
        return least_ + duration(static_cast<std::int64_t>(detail::splitmix64(random) %
                                                           (static_cast<std::uint64_t>(spread.count()) + 1)));
    case kind::exponential:
        return middle_ == duration(0) ? least_ : std::min(sum(least_, draw_exponential(middle_, random)), most_);
    case kind::long_tail:
        return spread == duration(0) ? least_
                                     : std::min(sum(least_, draw_long_tail(spread, most_ - least_, random)), most_);
    }
    return least_;
}

} // namespace effects::sim
