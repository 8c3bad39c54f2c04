// SPDX-License-Identifier: BSL-1.0
#include "resilience.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace async = effects::async;
using namespace resilience;
using namespace std::chrono_literals;

EFFECTS_IN_BOTH_WORLDS("a hedged call that is quick is made once", "[async][hedge]") {
    int calls = 0;
    CHECK(async::hedge({.delay = 1h}, [&] {
              ++calls;
              let_others_run();
              return 7;
          }) == 7);
    CHECK(calls == 1);
}

EFFECTS_IN_SIM("a hedged call that is slow is made again after the delay, beside the first", "[async][hedge]") {
    stopwatch since;
    std::vector<async::duration> begun;
    std::optional<async::reason> lost;
    int value = async::hedge({.delay = 50ms}, [&](int attempt) {
        begun.push_back(since());
        try {
            async::sleep_for(attempt == 1 ? 1h : 20ms);
        } catch (async::cancelled const& c) {
            lost = c.why();
            async::shield([] { async::sleep_for(5ms); });
            throw;
        }
        return attempt;
    });
    CHECK(value == 2);
    CHECK(begun == std::vector<async::duration>{0s, 50ms});
    CHECK(lost == async::reason::lost_race);
    CHECK(since() == 75ms); // the loser has ended
}

EFFECTS_IN_SIM("the first attempt may win after the second has begun", "[async][hedge]") {
    stopwatch since;
    int value = async::hedge({.delay = 50ms}, [&](int attempt) {
        async::sleep_for(60ms);
        return attempt;
    });
    CHECK(value == 1);
    CHECK(since() == 60ms);
}

EFFECTS_IN_SIM("a hedged call is made as often as it may be, a delay apart", "[async][hedge]") {
    stopwatch since;
    std::vector<async::duration> begun;
    int value = async::hedge({.delay = 10ms, .attempts = 4}, [&](int attempt) {
        begun.push_back(since());
        async::sleep_for(1s);
        return attempt;
    });
    CHECK(value == 1);
    CHECK(begun == std::vector<async::duration>{0ms, 10ms, 20ms, 30ms});
    CHECK(since() == 1s);
}

EFFECTS_IN_SIM("a delay of none starts all attempts at once", "[async][hedge]") {
    int begun = 0;
    async::hedge({.delay = 0s, .attempts = 3}, [&] {
        ++begun;
        async::sleep_for(1s);
        CHECK(begun == 3);
    });
    CHECK(begun == 3);
}

EFFECTS_IN_SIM("an attempt that fails before the next was due has it started at once", "[async][hedge]") {
    stopwatch since;
    std::vector<async::duration> begun;
    int value = async::hedge({.delay = 1s, .attempts = 3}, [&](int attempt) {
        begun.push_back(since());
        if (attempt == 1) throw refused(); // without waiting
        async::sleep_for(100ms);
        if (attempt == 2) throw std::runtime_error("no");
        return attempt;
    });
    CHECK(value == 3);
    CHECK(begun == std::vector<async::duration>{0ms, 0ms, 100ms});
    CHECK(since() == 200ms);
}

EFFECTS_IN_SIM("a failure leaves the attempts beside it to win", "[async][hedge]") {
    int value = async::hedge({.delay = 50ms}, [&](int attempt) {
        async::sleep_for(attempt == 1 ? 60ms : 100ms);
        if (attempt == 1) throw refused();
        return attempt;
    });
    CHECK(value == 2);
}

EFFECTS_IN_BOTH_WORLDS("where all attempts fail the first error is thrown, with the others", "[async][hedge]") {
    struct special : effects::error {
        special() : error(std::make_error_code(std::errc::io_error), "mine") {}
    };
    try {
        async::hedge({.delay = 1h, .attempts = 4}, [](int attempt) {
            async::yield();
            if (attempt == 1) throw special();
            if (attempt == 2) throw refused("lost");
            if (attempt == 3) throw std::runtime_error("strange");
            throw 4;
        });
        FAIL("no exception");
    } catch (special const& e) { // the type stays
        CHECK(std::string(e.what()) ==
              "mine (and 3 more failed: lost; strange; an exception that is not a std::exception)");
    }
    CHECK_THROWS_AS(async::hedge({.delay = 1h}, [] { throw 1; }), int);
    CHECK_THROWS_WITH(async::hedge({.delay = 1h, .attempts = 1}, [] { throw refused(); }), "refused");
}

EFFECTS_IN_BOTH_WORLDS("an error that `when` does not pass over decides, and cancels the others", "[async][hedge]") {
    std::vector<async::reason> lost;
    int calls = 0;
    CHECK_THROWS_WITH(async::hedge({.delay = 0s, .attempts = 3, .when = async::is_transient},
                                   [&](int attempt) {
                                       ++calls;
                                       if (attempt == 1) {
                                           try {
                                               async::event().wait();
                                           } catch (async::cancelled const& c) {
                                               lost.push_back(c.why());
                                               throw;
                                           }
                                       }
                                       if (attempt == 2) throw refused();
                                       throw denied();
                                   }),
                      "denied (and 1 more failed: refused)");
    CHECK(lost == std::vector{async::reason::lost_race});
    CHECK(calls == 3);

    CHECK_THROWS_WITH(async::hedge({.delay = 1h, .when = async::is_transient}, [] { throw denied(); }), "denied");
}

EFFECTS_IN_BOTH_WORLDS("a result that `when` passes over is given only where nothing better comes", "[async][hedge]") {
    async::hedge_options how{
        .delay = 1h, .attempts = 3, .when = {async::any_exception, [](int const& status) { return status >= 500; }}};
    CHECK(async::hedge(how, [](int attempt) { return attempt < 3 ? 500 + attempt : 200; }) == 200);
    CHECK(async::hedge(how, [](int attempt) { return 500 + attempt; }) == 503);
    CHECK(async::hedge(how, [](int attempt) {
              if (attempt != 2) throw refused();
              return 502;
          }) == 502);
}

EFFECTS_IN_BOTH_WORLDS("a hedge that is cancelled from outside cancels its attempts, and throws",
                       "[async][hedge][cancel]") {
    std::vector<async::reason> cancelled;
    async::event both;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            async::hedge({.delay = 0s}, [&](int attempt) {
                if (attempt == 2) both.set();
                try {
                    async::event().wait();
                } catch (async::cancelled const& c) {
                    cancelled.push_back(c.why());
                    throw;
                }
            });
            FAIL("not reached");
        });
        both.wait();
        t.cancel(async::reason::shutdown);
    });
    CHECK(cancelled == std::vector{async::reason::shutdown, async::reason::shutdown});
}

EFFECTS_IN_BOTH_WORLDS("a hedge that is cancelled while it waits to begin again makes no more calls",
                       "[async][hedge][cancel]") {
    int calls = 0;
    CHECK_THROWS_AS(async::timeout(1ms,
                                   [&] {
                                       async::hedge({.delay = 1h}, [&] {
                                           ++calls;
                                           async::event().wait();
                                       });
                                   }),
                    async::timed_out);
    CHECK(calls == 1);
}

EFFECTS_IN_BOTH_WORLDS("what the losers of a hedge give or throw while they are cancelled is dropped",
                       "[async][hedge]") {
    CHECK(async::hedge({.delay = 0s, .attempts = 3}, [](int attempt) {
              if (attempt == 3) {
                  async::yield();
                  return attempt;
              }
              try {
                  async::event().wait();
              } catch (async::cancelled const&) {
                  if (attempt == 1) throw refused("angry");
              }
              return attempt;
          }) == 3);
}

EFFECTS_IN_BOTH_WORLDS("one error that several attempts throw is told as often", "[async][hedge]") {
    auto shared = std::make_exception_ptr(std::runtime_error("the same"));
    CHECK_THROWS_WITH(async::hedge({.delay = 1h, .attempts = 3},
                                   [&](int attempt) {
                                       if (attempt == 1) fail();
                                       std::rethrow_exception(shared);
                                   }),
                      "refused (and 2 more failed: the same; the same)");
}

EFFECTS_IN_BOTH_WORLDS("what a hedge's predicate throws ends all attempts, and leaves", "[async][hedge]") {
    std::vector<async::reason> cancelled;
    CHECK_THROWS_WITH(
        async::hedge(
            {.delay = 0s, .when = [](effects::error const&) -> bool { throw std::runtime_error("cannot tell"); }},
            [&](int attempt) {
                if (attempt == 2) fail();
                try {
                    async::event().wait();
                } catch (async::cancelled const& c) {
                    cancelled.push_back(c.why());
                    throw;
                }
            }),
        "cannot tell");
    CHECK(cancelled == std::vector{async::reason::sibling_failed});
}

EFFECTS_IN_BOTH_WORLDS("a hedge gives what only moves, references and nothing", "[async][hedge]") {
    int there = 0;
    CHECK(*async::hedge({}, [] { return std::make_unique<int>(3); }) == 3);
    CHECK(&async::hedge({}, [&]() -> int& { return there; }) == &there);
    async::hedge({}, [&] { there = 6; });
    CHECK(there == 6);
}

EFFECTS_IN_BOTH_WORLDS("further attempts of a hedge take tokens of a budget", "[async][hedge][retry]") {
    async::retry_budget budget{{.tokens = 1, .per_success = 0.5}};
    int calls = 0;
    async::hedge_options how{.delay = 0s, .attempts = 3, .budget = &budget};
    auto slow = [&] {
        ++calls;
        let_others_run();
    };
    async::hedge(how, slow);
    CHECK(calls == 2); // one token
    CHECK(budget.available() == 0);
    async::hedge(how, slow); // a half of one
    CHECK(calls == 3);
    CHECK(budget.available() == 1); // and another half
    CHECK_THROWS_WITH(async::hedge({.delay = 1h, .attempts = 5, .budget = &budget}, fail),
                      "refused (and 1 more failed: refused)");
}

EFFECTS_IN_BOTH_WORLDS("options that make no hedge are refused", "[async][hedge]") {
    CHECK_THROWS_AS(async::hedge({.attempts = 0}, [] {}), std::invalid_argument);
    CHECK_THROWS_AS(async::hedging({.attempts = 0}), std::invalid_argument);
    CHECK_THROWS_WITH(async::hedge({.when = [](long) { return true; }}, [] { return 1; }),
                      Catch::StartsWith("async::hedge: ") && Catch::Contains("returns int"));
}
