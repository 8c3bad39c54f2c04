// SPDX-License-Identifier: BSL-1.0
#include "resilience.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace async = effects::async;
using namespace resilience;
using namespace std::chrono_literals;
using effects::perform;

EFFECTS_IN_BOTH_WORLDS("a bulkhead has so many calls at a time, and lets all others in after them",
                       "[async][bulkhead]") {
    async::bulkhead reports{{.limit = 3, .max_waiting = 17}};
    int running = 0, most = 0, calls = 0;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 20; ++i)
            g.spawn([&, i] {
                reports.run([&] {
                    ++calls;
                    most = std::max(most, ++running);
                    for (int n = 0; n < i % 4; ++n) async::yield();
                    --running;
                });
            });
    });
    CHECK(most == 3);
    CHECK(calls == 20);
    CHECK(reports.running() == 0);
    CHECK(reports.waiting() == 0);
}

EFFECTS_IN_BOTH_WORLDS("a bulkhead refuses who finds no place, nor one to wait for it", "[async][bulkhead]") {
    async::bulkhead reports{{.limit = 1, .max_waiting = 1, .name = "reports"}};
    gate busy;
    async::task_group([&](async::group& g) {
        g.spawn([&] { reports.run([&] { busy.pass(); }); });
        g.spawn([&] { reports.run([] {}); });
        busy.entered.wait();
        let_others_run();
        try {
            reports.run([] { FAIL("called"); });
            FAIL("no exception");
        } catch (async::bulkhead_full const& e) {
            CHECK(std::string(e.what()) == "bulkhead \"reports\" is full: 1 call runs, and 1 wait, the most that may");
            CHECK(e.bulkhead() == "reports");
            CHECK(e.transient());
            CHECK_FALSE(e.retry_after());
            CHECK_THROWS_AS(e.throw_copy(), async::bulkhead_full);
        }
        busy.open.set();
    });
    CHECK(reports.run([] { return 1; }) == 1);
}

EFFECTS_IN_BOTH_WORLDS("by default nobody waits for a place", "[async][bulkhead]") {
    async::bulkhead two{{.limit = 2}};
    auto a = two.acquire();
    auto b = two.acquire();
    CHECK(a);
    CHECK_THROWS_WITH(two.acquire(), "bulkhead is full: 2 calls run, the most that may");
    CHECK_FALSE(two.try_acquire());
    a.release();
    a.release();
    CHECK(two.running() == 1);
    auto c = two.try_acquire();
    CHECK(c);
    b = std::move(c); // the old one goes
    CHECK(two.running() == 1);
    CHECK_FALSE(c);
    CHECK(b);
}

EFFECTS_IN_BOTH_WORLDS("a place is handed to the one who waits longest, and nobody slips in before",
                       "[async][bulkhead]") {
    async::bulkhead one{{.limit = 1, .max_waiting = 2}};
    std::vector<int> order;
    async::task_group([&](async::group& g) {
        auto held = one.acquire();
        g.spawn([&] { one.run([&] { order.push_back(1); }); });
        g.spawn([&] { one.run([&] { order.push_back(2); }); });
        held.release();
        CHECK_FALSE(one.try_acquire()); // though it does not run yet
        one.run([&] { order.push_back(3); });
    });
    CHECK(order == std::vector{1, 2, 3});
}

EFFECTS_IN_BOTH_WORLDS("a waiter that is cancelled takes no place, and leaves its own in the line",
                       "[async][bulkhead][cancel]") {
    async::bulkhead one{{.limit = 1, .max_waiting = 2}};
    std::vector<int> order;
    async::task_group([&](async::group& g) {
        auto held = one.acquire();
        auto first = g.spawn([&] { one.run([&] { order.push_back(1); }); });
        g.spawn([&] { one.run([&] { order.push_back(2); }); });
        first.cancel();
        first.wait();
        CHECK(one.waiting() == 1);
        g.spawn([&] { one.run([&] { order.push_back(3); }); });
        held.release();
    });
    CHECK(order == std::vector{2, 3});
    CHECK(one.running() == 0);
}

EFFECTS_IN_BOTH_WORLDS("a place handed to a task that is cancelled at once comes back", "[async][bulkhead][cancel]") {
    async::bulkhead one{{.limit = 1, .max_waiting = 1}};
    bool finished = false;
    async::task_group([&](async::group& g) {
        auto held = one.acquire();
        auto t = g.spawn([&] {
            one.run([&] {
                async::yield();
                finished = true;
            });
        });
        held.release();
        t.cancel();
    });
    CHECK_FALSE(finished);
    CHECK(one.running() == 0);
    CHECK(one.try_acquire());
}

EFFECTS_IN_BOTH_WORLDS("a place comes back however the call ends", "[async][bulkhead]") {
    async::bulkhead one{{.limit = 1}};
    CHECK_THROWS_WITH(one.run(fail), "refused");
    CHECK_FALSE(async::try_timeout(0s, [&] { one.run([] { async::event().wait(); }); }));
    auto body = [&] { return one.run([] { return perform(ask{}); }); };
    CHECK(effects::handle(body, effects::aborts<ask>([] { return -1; })) == -1);
    CHECK(effects::handle(body, effects::control<ask>([](ask, auto) { return -2; })) == -2);
    CHECK(one.running() == 0);
    int there = 1;
    CHECK(&one.run([&]() -> int& { return there; }) == &there);
}

EFFECTS_IN_SIM("who has waited so long for a place is refused at that instant", "[async][bulkhead]") {
    async::bulkhead one{{.limit = 1, .max_waiting = 5, .max_wait = 2s, .name = "reports"}};
    stopwatch since;
    async::task_group([&](async::group& g) {
        auto held = one.acquire();
        g.spawn([&] {
            CHECK_THROWS_WITH(one.run([] { FAIL("called"); }),
                              "bulkhead \"reports\" has no place within 2 s: 1 call runs, and 1 more wait");
            CHECK(since() == 2s);
        });
        async::sleep_for(1s);
        g.spawn([&] { one.run([&] { CHECK(since() == 2500ms); }); });
        async::sleep_for(1500ms);
        held.release();
    });
    CHECK(one.running() == 0);
    CHECK(one.waiting() == 0);
}

TEST_CASE("a bulkhead that would let nobody in is refused", "[async][bulkhead]") {
    CHECK_THROWS_AS(async::bulkhead({.limit = 0}), std::invalid_argument);
    CHECK(async::bulkhead({.name = "reports"}).name() == "reports");
}
