// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <catch2/catch.hpp>

#include <effects/async/sleep.hpp>
#include <effects/live/run.hpp>
#include <effects/os/log.hpp>
#include <effects/sim/run.hpp>

#include <fcntl.h>

#include <conformance/async/worlds.hpp>

// EFFECTS_OVER_BOTH_NETWORKS("a sentence", "[tags]") { body }: two test cases with one body, a world's main task: over loopback
// sockets in `live`, and over the simulated network, which is perfect at first, then slow, then gives and takes bytes in small
// pieces. A body that leaves a socket open fails, and so does one that would hang.

#ifndef EFFECTS_NETWORK_SEEDS // three at least: one for each kind of network
#define EFFECTS_NETWORK_SEEDS 3
#endif

namespace network_worlds {

inline std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 4096; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0) ++count;
    return count;
}

inline void in_sim(void (*body)()) {
    using namespace std::chrono_literals;
    for (std::uint64_t seed = 1; seed <= EFFECTS_NETWORK_SEEDS; ++seed) {
        INFO("seed " << seed);
        effects::sim::options how;
        how.seed = seed;
        if (seed % 3 == 2) how.network.latency_max = 5ms;
        if (seed % 3 == 0) how.network.max_read = how.network.max_write = 4000;
        effects::sim::run(how, body);
    }
}

inline void in_live(void (*body)()) {
    effects::live::run(
        {.handle_signals = false},
        [&] {
            worlds::watchdog over(*effects::async::detail::current_task().home);
            auto const before = open_descriptors();
            body();
            CHECK(open_descriptors() == before);
        },
        [](effects::os::operations::log const&) {});
}

} // namespace network_worlds

#define EFFECTS_TEST_OVER_BOTH(name, tags, body)                                                                       \
    static void body();                                                                                                \
    TEST_CASE(name ", in sim", tags "[sim]") { network_worlds::in_sim(&body); }                                        \
    TEST_CASE(name ", in live", tags "[live]") { network_worlds::in_live(&body); }                                     \
    static void body()
#define EFFECTS_OVER_BOTH_NETWORKS(name, tags)                                                                         \
    EFFECTS_TEST_OVER_BOTH(name, tags, EFFECTS_TEST_JOINED(body_at_line_, __LINE__))
