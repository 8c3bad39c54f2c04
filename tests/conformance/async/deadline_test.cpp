// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;

// ---- timeout_at ----

EFFECTS_IN_BOTH_WORLDS("timeout_at gives the value of what ends in time", "[async][deadline]") {
    CHECK(async::timeout_at(async::now() + 1h, [] { return 7; }) == 7);
    CHECK(async::timeout_at(async::never, [] {
              async::yield();
              return 8;
          }) == 8);
    CHECK(async::try_timeout_at(async::now() + 1h, [] { return 9; }) == std::optional(9));
    CHECK(async::try_timeout_at(async::now() + 1h, [] {}) == std::optional(effects::unit{}));
    int there = 1;
    int& same = async::timeout_at(async::now() + 1h, "a reference", [&]() -> int& { return there; });
    CHECK(&same == &there);
}

EFFECTS_IN_BOTH_WORLDS("timeout_at cancels at its instant, with the reason deadline, and throws timed_out",
                       "[async][deadline][cancel]") {
    std::vector<async::reason> cancelled;
    auto wait = [&] {
        try {
            async::event().wait();
        } catch (async::cancelled const& c) {
            cancelled.push_back(c.why());
            throw;
        }
    };
    auto at = async::now() + 5ms;
    try {
        async::timeout_at(at, "the order", wait);
        FAIL("it returned");
    } catch (async::timed_out const& e) {
        CHECK(e.phase() == "the order");
        CHECK(e.limit() == 5ms);
        CHECK(e.elapsed() >= 5ms);
        CHECK(async::now() >= at);
    }
    CHECK_THROWS_AS(async::timeout(1ms, wait), async::timed_out);
    CHECK(async::try_timeout_at(async::now() + 1ms, wait) == std::nullopt);
    CHECK(cancelled == std::vector{async::reason::deadline, async::reason::timed_out, async::reason::deadline});
    CHECK_THROWS_WITH(async::timeout_at(async::now(), wait), Catch::StartsWith("deadline: "));
}

EFFECTS_IN_BOTH_WORLDS("an instant that has passed lets the function go to its first suspension", "[async][deadline]") {
    for (auto at : {async::now() - 1h, async::now(), async::time_point::min()}) {
        bool began = false;
        CHECK_FALSE(async::try_timeout_at(at, [&] {
            began = true;
            async::checkpoint();
            FAIL("it went on");
        }));
        CHECK(began);
        CHECK(async::try_timeout_at(at, [] { return 1; }) == std::optional(1)); // suspends nowhere
    }
    try {
        async::timeout_at(async::time_point::min(), [] { async::yield(); });
        FAIL("it returned");
    } catch (async::timed_out const& e) {
        CHECK(e.limit() == 0ns);
    }
}

EFFECTS_IN_BOTH_WORLDS("one instant bounds several steps together", "[async][deadline]") {
    auto until = async::now() + 20ms;
    int steps = 0;
    CHECK_THROWS_AS(
        [&] {
            for (;; ++steps) async::timeout_at(until, [] { async::sleep_for(4ms); });
        }(),
        async::timed_out);
    CHECK(async::now() >= until);
    CHECK(steps <= 4); // the fifth would end with the deadline, or after it
}

// ---- nesting and reading ----

EFFECTS_IN_BOTH_WORLDS("deadline() is the nearest of timeouts and instants; children inherit it, a shield hides it",
                       "[async][deadline]") {
    CHECK(async::deadline() == async::never);
    auto at = async::now() + 2h;
    async::timeout_at(at, [&] {
        CHECK(async::deadline() == at);
        async::timeout_at(at + 1h, [&] { CHECK(async::deadline() == at); });
        async::timeout(5h, [&] { CHECK(async::deadline() == at); });
        async::timeout_at(at - 1h, [&] {
            CHECK(async::deadline() == at - 1h);
            async::task_group([&](async::group& g) {
                g.spawn([&] { CHECK(async::deadline() == at - 1h); });
                g.spawn({.daemon = true}, [&] { CHECK(async::deadline() == at - 1h); });
                g.spawn([&] { async::timeout_at(at - 90min, [&] { CHECK(async::deadline() == at - 90min); }); });
                g.spawn([&] {
                    async::task_group(
                        [&](async::group& inner) { inner.spawn([&] { CHECK(async::deadline() == at - 1h); }); });
                });
            });
            async::shield([&] {
                CHECK(async::deadline() == async::never);
                async::timeout_at(at, [&] { CHECK(async::deadline() == at); });
            });
            CHECK(async::map(std::vector{1, 2}, [](int) { return async::deadline(); }) ==
                  std::vector{at - 1h, at - 1h});
        });
        CHECK(async::deadline() == at);
    });
    CHECK(async::deadline() == async::never);
}

EFFECTS_IN_BOTH_WORLDS("of nested limits the outer one that is due wins, and gives the reason", "[async][deadline]") {
    bool inner_threw = false;
    std::optional<async::reason> why;
    auto body = [&] {
        try {
            async::timeout(1h, [&] {
                try {
                    async::event().wait();
                } catch (async::cancelled const& c) {
                    why = c.why();
                    throw;
                }
            });
        } catch (async::timed_out const&) {
            inner_threw = true;
        }
    };
    CHECK_FALSE(async::try_timeout_at(async::now() + 1ms, body));
    CHECK(why == async::reason::deadline);

    CHECK_FALSE(async::try_timeout(1ms, [&] { async::timeout_at(async::now() + 1h, body); }));
    CHECK(why == async::reason::timed_out);
    CHECK_FALSE(inner_threw);

    // Both are due: the outer one's reason.
    CHECK_FALSE(async::try_timeout(0s, [&] { async::timeout_at(async::now(), body); }));
    CHECK(why == async::reason::timed_out);
    CHECK_FALSE(inner_threw);
}

EFFECTS_IN_BOTH_WORLDS("the tasks under a deadline are cancelled with it, and told so", "[async][deadline][cancel]") {
    std::vector<async::reason> told;
    auto note = [&] {
        try {
            async::event().wait();
        } catch (async::cancelled const& c) {
            told.push_back(c.why());
            throw;
        }
    };
    CHECK_FALSE(async::try_timeout_at(async::now() + 2ms, [&] {
        async::task_group([&](async::group& g) {
            g.spawn(note);
            g.spawn([&] { async::timeout(1h, note); });
            g.spawn([&] { async::all(note, [] {}); });
        });
    }));
    CHECK(told == std::vector(3, async::reason::deadline));
}

EFFECTS_IN_BOTH_WORLDS("a timeout_at around a cancelled caller lets the cancellation pass",
                       "[async][deadline][cancel]") {
    bool timed_out = false;
    std::optional<async::reason> why;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            try {
                timed_out = !async::try_timeout_at(async::now() + 1h, [] { async::event().wait(); });
            } catch (async::cancelled const& c) {
                why = c.why();
                throw;
            }
        });
        t.cancel(async::reason::shutdown);
    });
    CHECK(why == async::reason::shutdown);
    CHECK_FALSE(timed_out);
}

TEST_CASE("a deadline ends at its very instant, in sim", "[async][deadline][sim]") {
    worlds::in_sim([] {
        auto begin = async::now();
        async::time_point ended;
        CHECK_FALSE(async::try_timeout_at(begin + 90min, [&] {
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    struct at_the_end {
                        async::time_point& when;
                        ~at_the_end() { when = async::now(); }
                    } guard{ended};
                    async::sleep_for(100h);
                });
                CHECK_FALSE(async::try_timeout(1h, [] { async::event().wait(); }));
                CHECK(async::now() == begin + 1h);
            });
        }));
        CHECK(ended == begin + 90min);
        CHECK(async::now() == begin + 90min);
    });
}

EFFECTS_IN_BOTH_WORLDS("reasons of deadlines and ended groups print", "[async][cancel]") {
    std::ostringstream out;
    out << async::reason::deadline << '/' << async::reason::group_ended;
    CHECK(out.str() == "deadline passed/group ended");
}
