// SPDX-License-Identifier: BSL-1.0
#include "resilience.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace async = effects::async;
using namespace resilience;
using namespace std::chrono_literals;

EFFECTS_IN_SIM("a rate limit lets a burst through, then so many in each stretch of time", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 10, .per = 1s, .burst = 3}};
    stopwatch since;
    std::vector<async::duration> begun;
    for (int i = 0; i < 6; ++i) limiter.run([&] { begun.push_back(since()); });
    CHECK(begun == std::vector<async::duration>{0s, 0s, 0s, 100ms, 200ms, 300ms});
}

EFFECTS_IN_SIM("a bucket that nobody draws from fills up to its burst, and no further", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 10, .per = 1s, .burst = 4}};
    CHECK(limiter.available() == 4);
    limiter.acquire(4);
    CHECK(limiter.available() == 0);
    async::sleep_for(100ms - 1ns);
    CHECK(limiter.available() == 0);
    CHECK_FALSE(limiter.try_acquire());
    async::sleep_for(1ns);
    CHECK(limiter.available() == 1);
    CHECK(limiter.try_acquire());
    CHECK_FALSE(limiter.try_acquire());
    async::sleep_for(1h);
    CHECK(limiter.available() == 4);
    CHECK(limiter.try_acquire(4));
    CHECK_FALSE(limiter.try_acquire());
}

EFFECTS_IN_SIM("by default a burst is all permits of a stretch", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 5, .per = 1min}};
    stopwatch since;
    limiter.acquire(5);
    limiter.acquire();
    CHECK(since() == 12s);
}

EFFECTS_IN_SIM("a rate that is no whole number of nanoseconds is kept exactly", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 3, .per = 1s, .burst = 2}};
    stopwatch since;
    for (int i = 0; i < 3002; ++i) limiter.acquire();
    CHECK(since() == 1000s);
}

EFFECTS_IN_BOTH_WORLDS("tasks get their permits in the order in which they came", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 10'000, .per = 1s, .burst = 1}};
    std::vector<int> order;
    stopwatch since;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 20; ++i)
            g.spawn([&, i] {
                limiter.acquire();
                order.push_back(i);
            });
        CHECK(limiter.waiting() == 19);
    });
    CHECK(order == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19});
    CHECK(since() >= 1900us);
    CHECK(limiter.waiting() == 0);
}

EFFECTS_IN_SIM("a large demand is overtaken by nobody", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 10, .per = 1s}};
    limiter.acquire(10);
    stopwatch since;
    std::vector<std::pair<std::size_t, async::duration>> got;
    async::task_group([&](async::group& g) {
        for (std::size_t n : {8u, 1u, 2u})
            g.spawn([&, n] {
                limiter.acquire(n);
                got.emplace_back(n, since());
            });
        async::sleep_for(400ms); // four are there, for the one who waits for eight
        CHECK_FALSE(limiter.try_acquire());
        CHECK(limiter.available() == 0);
    });
    CHECK(got == std::vector<std::pair<std::size_t, async::duration>>{{8, 800ms}, {1, 900ms}, {2, 1100ms}});
}

EFFECTS_IN_SIM("a waiter that is cancelled takes no permit, and those behind it move up",
               "[async][rate_limiter][cancel]") {
    for (std::size_t leaves : {0u, 1u, 2u}) {
        async::rate_limiter limiter{{.permits = 10, .per = 1s, .burst = 1}};
        limiter.acquire();
        stopwatch since;
        std::vector<async::duration> got;
        async::task_group([&](async::group& g) {
            std::vector<async::task<void>> tasks;
            for (int i = 0; i < 3; ++i)
                tasks.push_back(g.spawn([&] {
                    limiter.acquire();
                    got.push_back(since());
                }));
            async::sleep_for(50ms);
            tasks[leaves].cancel();
            tasks[leaves].wait();
            CHECK(limiter.waiting() == 2);
        });
        CHECK(got == std::vector<async::duration>{100ms, 200ms});
    }
}

EFFECTS_IN_SIM("a waiter that is cancelled as its permit comes leaves it to the next",
               "[async][rate_limiter][cancel]") {
    async::rate_limiter limiter{{.permits = 10, .per = 1s, .burst = 1}};
    limiter.acquire();
    stopwatch since;
    std::optional<async::duration> first, second;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            limiter.acquire();
            first = since();
        });
        g.spawn([&] {
            limiter.acquire();
            second = since();
        });
        async::sleep_for(100ms); // the same instant; who of the two goes on first is the seed's
        t.cancel();
    });
    REQUIRE(second);
    CHECK(*second == (first ? 200ms : 100ms));
}

EFFECTS_IN_SIM("who would have a permit only after the deadline is refused at once, and takes none",
               "[async][rate_limiter][timeout]") {
    async::rate_limiter limiter{{.permits = 1, .per = 10s, .name = "search"}};
    limiter.acquire();
    stopwatch since;
    async::timeout(5s, [&] {
        try {
            limiter.run([] { FAIL("called"); });
            FAIL("no exception");
        } catch (async::rate_limited const& e) {
            CHECK(std::string(e.what()) == "rate limit \"search\" (1 in 10 s): a permit in 10 s, after the deadline, "
                                           "which is in 5 s");
            CHECK(e.limiter() == "search");
            CHECK(e.retry_after() == std::optional<std::chrono::nanoseconds>(10s));
            CHECK(e.transient());
            CHECK_THROWS_AS(e.throw_copy(), async::rate_limited);
        }
    });
    CHECK(since() == 0s);
    async::timeout(10s + 1ns, [&] { limiter.acquire(); });
    CHECK(since() == 10s);
}

EFFECTS_IN_SIM("a limit that lets nobody wait refuses, and says when to come again", "[async][rate_limiter][retry]") {
    async::rate_limiter limiter{{.permits = 4, .per = 1s, .burst = 1, .max_waiting = 0}};
    stopwatch since;
    limiter.acquire();
    async::sleep_for(50ms);
    CHECK_THROWS_WITH(limiter.acquire(), "rate limit (4 in 1 s): a permit in 200 ms, and nobody may wait for it");
    int value = async::retry({.backoff = async::constant(1ms)}, [&] { return limiter.run([] { return 7; }); });
    CHECK(value == 7);
    CHECK(since() == 250ms);
}

EFFECTS_IN_SIM("as many wait as may, and the next one is told when its turn would come", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 10, .per = 1s, .burst = 5, .max_waiting = 2}};
    limiter.acquire(5);
    async::task_group([&](async::group& g) {
        auto first = g.spawn([&] { limiter.acquire(3); });
        g.spawn([&] { limiter.acquire(2); });
        try {
            limiter.acquire();
            FAIL("no exception");
        } catch (async::rate_limited const& e) {
            CHECK(e.retry_after() == std::optional<std::chrono::nanoseconds>(600ms));
            CHECK_THAT(e.what(), Catch::EndsWith("a permit in 600 ms, and 2 wait already, the most that may"));
        }
        first.cancel();
        first.wait();
        stopwatch since;
        limiter.acquire(); // its place in line was free again
        CHECK(since() == 300ms);
    });
}

EFFECTS_IN_SIM("who would wait longer than may be is refused at once", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 10, .per = 1s, .burst = 1, .max_wait = 200ms}};
    limiter.acquire();
    stopwatch since;
    async::task_group([&](async::group& g) {
        g.spawn([&] { limiter.acquire(); });
        g.spawn([&] { limiter.acquire(); }); // in 200 ms, which is not longer
        CHECK_THROWS_WITH(limiter.acquire(), Catch::EndsWith("a permit in 300 ms, longer than 200 ms"));
    });
    CHECK(since() == 200ms);
}

EFFECTS_IN_BOTH_WORLDS("a cancelled task is not let in, even where there are permits",
                       "[async][rate_limiter][cancel]") {
    async::rate_limiter limiter{{.permits = 2, .per = 1h}};
    async::task_group([&](async::group& g) {
        g.cancel();
        g.spawn([&] {
            limiter.acquire();
            FAIL("not reached");
        });
    });
    CHECK(limiter.try_acquire(2));
}

EFFECTS_IN_BOTH_WORLDS("more permits than ever there are at once is a bug; none at all are there at once",
                       "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 100, .per = 1h, .burst = 3}};
    CHECK_THROWS_AS(limiter.acquire(4), std::logic_error);
    CHECK_THROWS_WITH(limiter.try_acquire(4), Catch::Contains("for ever") && Catch::Contains("`burst`"));
    limiter.acquire(3);
    limiter.acquire(0);
    CHECK(limiter.try_acquire(0));
}

EFFECTS_IN_BOTH_WORLDS("a rate limit passes on what the call throws, whose permit is spent", "[async][rate_limiter]") {
    async::rate_limiter limiter{{.permits = 1, .per = 1h, .max_waiting = 0}};
    CHECK_THROWS_WITH(limiter.run(fail), "refused");
    CHECK_THROWS_AS(limiter.run(fail), async::rate_limited);
}

EFFECTS_IN_SIM("rates at the edges of what there is are exact too", "[async][rate_limiter]") {
    stopwatch since;
    async::rate_limiter slow{{.permits = 1, .per = std::chrono::hours(24 * 365 * 10), .burst = 3}};
    slow.acquire(3);
    slow.acquire(3);
    CHECK(since() == std::chrono::hours(24 * 365 * 30));

    since = {};
    async::rate_limiter fast{{.permits = 1'000'000'000, .per = 1s, .burst = 1'000'000'000}};
    fast.acquire(1'000'000'000);
    fast.acquire(7);
    CHECK(since() == 7ns);
}

TEST_CASE("options that make no rate limit are refused", "[async][rate_limiter]") {
    CHECK_THROWS_AS(async::rate_limiter({.permits = 0}), std::invalid_argument);
    CHECK_THROWS_AS(async::rate_limiter({.permits = 2'000'000'000}), std::invalid_argument);
    CHECK_THROWS_AS(async::rate_limiter({.per = 0s}), std::invalid_argument);
    CHECK_THROWS_AS(async::rate_limiter({.per = -1s}), std::invalid_argument);
    CHECK_THROWS_AS(async::rate_limiter({.burst = 2'000'000'000}), std::invalid_argument);
    CHECK_THROWS_AS(async::rate_limiter({.per = async::duration::max(), .burst = 1'000'000'000}),
                    std::invalid_argument);
    CHECK(async::rate_limiter({.permits = 1, .name = "search"}).name() == "search");
}
