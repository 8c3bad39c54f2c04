// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>

#include <effects/sim/latency.hpp>

namespace effects::sim {

/// What lies between two hosts, the same in both directions. The default is a good one: no delay, nothing lost, no limit.
///
///     sim::network::current().set_link("web", "db", {.latency = sim::latency::constant(20ms), .loss = 0.01});
///
/// Streams stay in order, as TCP's do: what overtakes is held back at the far end until what it overtook has arrived, and a loss is seen as a delay. Datagrams
/// arrive in the order that their latencies make, and what is lost is lost.
///
/// `set_link`, `network::configure` and `sim::run` throw `std::invalid_argument` that names the option and its value: of a `loss` or `duplication` that is not between 0 and 1,
/// of a negative time.
struct link {
    sim::latency latency = {};
    /// Bytes a second, in each direction, shared by all connections; 0: no limit.
    std::uint64_t bandwidth = 0;
    /// Of a datagram, and of a segment (what one write takes) each time it is sent: 0.01 is one in a hundred. A request for a connection, and its answer, can be lost as well.
    double loss = 0;
    /// A segment that was lost is sent again after this, then after twice as long, …, two minutes at most (as TCP does, RFC 6298).
    async::duration retransmit_after = std::chrono::milliseconds(200);
    /// So often; then the writer's connection breaks with `std::errc::timed_out`. The default takes a quarter of an hour, as on Linux.
    unsigned retransmissions = 15;

    /// Of a datagram: it arrives twice, each with a latency of its own.
    double duplication = 0;

    bool operator==(link const&) const = default;
};

} // namespace effects::sim
