// SPDX-License-Identifier: BSL-1.0
#include "checks.hpp"

#include <chrono>
#include <sstream>
#include <stdexcept>

namespace effects::sim::detail {

namespace {

void check_probability(std::string const& option, double p) {
    if (p >= 0 && p <= 1) return; // which a NaN is not
    std::ostringstream value;
    value << p;
    refuse(option, value.str(), "it is from 0 to 1");
}

} // namespace

std::string text_of(async::duration d) {
    using namespace std::chrono_literals;
    if (d % 1s == 0s) return std::to_string(d / 1s) + " s";
    if (d % 1ms == 0ms) return std::to_string(d / 1ms) + " ms";
    return std::to_string(d.count()) + " ns";
}

void refuse(std::string const& option, std::string const& value, char const* rule) {
    throw std::invalid_argument("sim::" + option + " is " + value + ": " + rule);
}

void check_not_negative(std::string const& option, async::duration d) {
    if (d < async::duration::zero()) refuse(option, text_of(d), "it is not negative");
}

void check(link const& how, std::string const& of) {
    check_probability(of + "loss", how.loss);
    check_probability(of + "duplication", how.duplication);
    check_not_negative(of + "retransmit_after", how.retransmit_after);
}

void check(network_options const& how) {
    check_not_negative("network_options::latency_min", how.latency_min);
    check_not_negative("network_options::latency_max", how.latency_max);
    if (how.latency_max < how.latency_min)
        refuse("network_options::latency_min", text_of(how.latency_min),
               ("it is at most latency_max, which is " + text_of(how.latency_max)).c_str());
    if (how.window == 0) refuse("network_options::window", "0", "nothing could be written");
    check_not_negative("network_options::connect_timeout", how.connect_timeout);
    check(how.link, "network_options::link.");
}

} // namespace effects::sim::detail
