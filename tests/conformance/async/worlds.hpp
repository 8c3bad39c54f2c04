// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

#include <effects/async.hpp>
#include <effects/async/detail/scheduler.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>
#ifdef EFFECTS_TEST_LIVE
#include <effects/live.hpp>
#endif

#ifndef EFFECTS_CONFORMANCE_SEEDS // not a conformance suite
#define EFFECTS_CONFORMANCE_SEEDS 10
#endif

// EFFECTS_IN_BOTH_WORLDS("a sentence", "[tags]") { body }: two test cases with one body, which runs as a world's main task: in
// the simulated world with so many seeds, and in the live one. A body that would hang fails, and it is said who waits. Waits are
// short, as they are real ones in `live`.

namespace worlds {

inline void in_sim(void (*body)()) {
    for (std::uint64_t seed = 1; seed <= EFFECTS_CONFORMANCE_SEEDS; ++seed) {
        INFO("seed " << seed);
        effects::sim::run({.seed = seed}, body);
    }
}

#ifdef EFFECTS_TEST_LIVE
// Ends a program whose tasks wait for ever, and says who they are.
class watchdog {
public:
    explicit watchdog(effects::async::detail::scheduler& over)
        : thread_([this, &over] {
              std::unique_lock lock(mutex_);
              if (changed_.wait_for(lock, std::chrono::seconds(40), [this] { return done_; })) return;
              over.post([&over] {
                  std::fprintf(stderr, "the test hangs:%s\n", effects::async::detail::describe_tasks(over).c_str());
                  std::abort();
              });
          }) {}
    watchdog(watchdog const&) = delete;
    watchdog& operator=(watchdog const&) = delete;
    ~watchdog() {
        {
            std::lock_guard lock(mutex_);
            done_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool done_ = false;
    std::thread thread_;
};

inline void in_live(void (*body)()) {
    effects::live::run({.handle_signals = false}, [&] {
        watchdog over(*effects::async::detail::current_task().home);
        body();
    });
}
#endif

} // namespace worlds

#define EFFECTS_TEST_JOINED_(a, b) a##b
#define EFFECTS_TEST_JOINED(a, b) EFFECTS_TEST_JOINED_(a, b)
#ifdef EFFECTS_TEST_LIVE
#define EFFECTS_TEST_IN_LIVE(name, tags, body)                                                                         \
    TEST_CASE(name ", in live", tags "[live]") { worlds::in_live(&body); }
#else
#define EFFECTS_TEST_IN_LIVE(name, tags, body)
#endif
#define EFFECTS_TEST_IN_BOTH(name, tags, body)                                                                         \
    static void body();                                                                                                \
    TEST_CASE(name ", in sim", tags "[sim]") { worlds::in_sim(&body); }                                                \
    EFFECTS_TEST_IN_LIVE(name, tags, body)                                                                             \
    static void body()
#define EFFECTS_IN_BOTH_WORLDS(name, tags)                                                                             \
    EFFECTS_TEST_IN_BOTH(name, tags, EFFECTS_TEST_JOINED(body_at_line_, __LINE__))
