// SPDX-License-Identifier: BSL-1.0
#include "resilience.hpp"

#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace async = effects::async;
using namespace resilience;
using namespace std::chrono_literals;
using effects::perform;

EFFECTS_IN_BOTH_WORLDS("a circuit opens after so many failures in a row, and then refuses without calling",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.name = "bank", .failures_in_a_row = 3, .open_for = 1h}};
    int calls = 0;
    auto failing = [&] {
        ++calls;
        throw refused();
    };

    fails(breaker, failing, 2);
    CHECK(breaker.state() == state::closed);
    fails(breaker, failing);
    CHECK(breaker.state() == state::open);
    CHECK_THROWS_AS(breaker.run(failing), async::circuit_open);

    CHECK(calls == 3);
    CHECK(breaker.name() == "bank");
}

EFFECTS_IN_BOTH_WORLDS("a success between failures starts the count anew", "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 2}};
    for (int i = 0; i < 5; ++i) {
        fails(breaker, fail);
        CHECK(breaker.run([] { return 7; }) == 7);
    }
    CHECK(breaker.state() == state::closed);
}

EFFECTS_IN_SIM("an open circuit says which it is, since when, why, and how long it will be",
               "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.name = "bank", .failures_in_a_row = 2, .open_for = 30s}};
    fails(breaker, fail, 2);
    auto opened = async::now();
    async::sleep_for(12s);
    try {
        breaker.run([] { FAIL("called"); });
        FAIL("no exception");
    } catch (async::circuit_open const& e) {
        CHECK(std::string(e.what()) == "circuit \"bank\" has been open for 12 s (2 failures in a row, the last one: "
                                       "refused); the next trial is in 18 s");
        CHECK(e.circuit() == "bank");
        CHECK(e.state() == state::open);
        CHECK(e.why() == "2 failures in a row, the last one: refused");
        CHECK(e.since() == opened);
        CHECK(e.retry_after() == std::optional<std::chrono::nanoseconds>(18s));
        CHECK(e.transient());
        CHECK(e.code() == std::errc::resource_unavailable_try_again);
        CHECK_THROWS_AS(e.throw_copy(), async::circuit_open);
    }
}

EFFECTS_IN_SIM("a circuit is half-open at the very instant, and closes when the trial succeeds",
               "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = 30s}};
    fails(breaker, fail);

    async::sleep_for(30s - 1ns);
    CHECK(breaker.state() == state::open);
    CHECK_THROWS_AS(breaker.run([] {}), async::circuit_open);
    async::sleep_for(1ns);
    CHECK(breaker.state() == state::half_open);
    CHECK(breaker.run([&] { return breaker.state(); }) == state::half_open);
    CHECK(breaker.state() == state::closed);

    fails(breaker, fail); // counts from one again
    CHECK(breaker.state() == state::open);
}

EFFECTS_IN_SIM("a trial that fails opens the circuit again, each time for longer where it says so",
               "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = async::exponential(5s).cap(15s)}};
    fails(breaker, fail);
    for (auto wait : {5s, 10s, 15s, 15s}) {
        async::sleep_for(wait - 1ns);
        CHECK(breaker.state() == state::open);
        async::sleep_for(1ns);
        CHECK(breaker.state() == state::half_open);
        fails(breaker, fail);
    }
    async::sleep_for(15s);
    breaker.run([] {});
    fails(breaker, fail); // closed in between: from the beginning
    async::sleep_for(5s);
    CHECK(breaker.state() == state::half_open);
}

EFFECTS_IN_SIM("how long a circuit is open has jitter, which a handler may answer", "[async][circuit_breaker]") {
    effects::handle(
        [] {
            async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = async::constant(10s).jitter(0.5)}};
            fails(breaker, fail);
            async::sleep_for(8s - 1ns);
            CHECK(breaker.state() == state::open);
            async::sleep_for(1ns);
            CHECK(breaker.state() == state::half_open);
            breaker.trip();
            async::sleep_for(8s - 1ns);
            CHECK(breaker.state() == state::open);
            async::sleep_for(1ns);
            CHECK(breaker.state() == state::half_open);
        },
        [](async::draw_jitter const&) { return 0.4; });
}

EFFECTS_IN_BOTH_WORLDS("a half-open circuit lets so many trials through, and refuses those beside them",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.name = "bank", .failures_in_a_row = 1, .open_for = 0s, .trials = 2}};
    fails(breaker, fail);
    CHECK(breaker.state() == state::half_open);

    gate first, second;
    async::task_group([&](async::group& g) {
        g.spawn([&] { breaker.run([&] { first.pass(); }); });
        g.spawn([&] { breaker.run([&] { second.pass(); }); });
        first.entered.wait();
        second.entered.wait();

        try {
            breaker.run([] { FAIL("called"); });
            FAIL("no exception");
        } catch (async::circuit_open const& e) {
            CHECK(e.state() == state::half_open);
            CHECK_FALSE(e.retry_after());
            CHECK(e.transient());
            CHECK_THAT(e.what(),
                       Catch::StartsWith("circuit \"bank\" opened ") &&
                           Catch::EndsWith(" ago (1 failure, the last one: refused), and the trials it allows "
                                           "are under way"));
        }

        first.open.set();
        let_others_run();
        CHECK(breaker.state() == state::half_open); // one success is not two
        CHECK_THROWS_AS(breaker.run([] {}), async::circuit_open);
        second.open.set();
    });
    CHECK(breaker.state() == state::closed);
}

EFFECTS_IN_BOTH_WORLDS("the first trial to fail decides, and those still under way say nothing any more",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = async::exponential(0s), .trials = 2}};
    fails(breaker, fail);
    gate slow;
    async::task_group([&](async::group& g) {
        g.spawn([&] { breaker.run([&] { slow.pass(); }); });
        slow.entered.wait();
        fails(breaker, fail); // the second trial
        breaker.run([] {});   // a new one of the next two
        slow.open.set();
    });
    CHECK(breaker.state() == state::half_open);
    breaker.run([] {});
    CHECK(breaker.state() == state::closed);
}

EFFECTS_IN_BOTH_WORLDS("a trial that is cancelled gives its place to another", "[async][circuit_breaker][cancel]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = 0s}};
    fails(breaker, fail);
    gate trial;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] { breaker.run([&] { trial.pass(); }); });
        trial.entered.wait();
        CHECK_THROWS_AS(breaker.run([] {}), async::circuit_open);
        t.cancel();
        t.wait();
    });
    CHECK(breaker.state() == state::half_open);
    CHECK(breaker.run([] { return 1; }) == 1);
    CHECK(breaker.state() == state::closed);
}

EFFECTS_IN_BOTH_WORLDS("a cancellation counts neither as a failure nor as a success",
                       "[async][circuit_breaker][cancel]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 2}};
    auto cancelled_call = [&] {
        CHECK_FALSE(async::try_timeout(0s, [&] { breaker.run([] { async::event().wait(); }); }));
    };
    fails(breaker, fail);
    for (int i = 0; i < 5; ++i) cancelled_call();
    CHECK(breaker.state() == state::closed);
    fails(breaker, fail);
    CHECK(breaker.state() == state::open);
}

EFFECTS_IN_BOTH_WORLDS("a cancellation that is somebody's own is a failure like others", "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1}};
    CHECK_THROWS_AS(breaker.run([] { throw async::cancelled(async::reason::requested); }), async::cancelled);
    CHECK(breaker.state() == state::open);
}

EFFECTS_IN_BOTH_WORLDS("a timeout inside is a failure, one around the breaker is none",
                       "[async][circuit_breaker][timeout]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1}};
    auto hangs = [] { async::event().wait(); };
    CHECK_THROWS_AS(async::timeout(1us, [&] { breaker.run(hangs); }), async::timed_out);
    CHECK(breaker.state() == state::closed);
    CHECK_THROWS_AS(breaker.run([&] { async::timeout(1us, hangs); }), async::timed_out);
    CHECK(breaker.state() == state::open);
}

EFFECTS_IN_BOTH_WORLDS("a trial that an abort or a dropped resumption gives up gives its place to another",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = 0s}};
    fails(breaker, fail);
    auto body = [&] { return breaker.run([] { return perform(ask{}); }); };

    CHECK(effects::handle(body, effects::aborts<ask>([] { return -1; })) == -1);
    CHECK(breaker.state() == state::half_open);
    CHECK(effects::handle(body, effects::control<ask>([](ask, auto) { return -2; })) == -2);
    CHECK(breaker.state() == state::half_open);
    CHECK(effects::handle(body, effects::control<ask>([](ask, auto k) { return std::move(k).resume(3); })) == 3);
    CHECK(breaker.state() == state::closed);
}

EFFECTS_IN_BOTH_WORLDS("a call that began before the circuit opened says nothing when it ends",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = 0s}};
    gate good, bad;
    async::task_group([&](async::group& g) {
        g.spawn([&] { breaker.run([&] { good.pass(); }); });
        g.spawn([&] {
            fails(breaker, [&] {
                bad.pass();
                fail();
            });
        });
        good.entered.wait();
        bad.entered.wait();

        fails(breaker, fail);
        good.open.set();
        let_others_run();
        CHECK(breaker.state() == state::half_open); // not closed by an old success
        breaker.run([] {});
        CHECK(breaker.state() == state::closed);
        bad.open.set(); // nor opened by an old failure
    });
    CHECK(breaker.state() == state::closed);
}

EFFECTS_IN_BOTH_WORLDS("a circuit opens by the share of failures, once there are calls enough to tell",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker{
        {.failures_in_a_row = 0, .failure_rate = 0.5, .window = 6, .minimum_calls = 4, .open_for = 1h}};
    fails(breaker, fail, 3); // three of three, which says nothing yet
    CHECK(breaker.state() == state::closed);
    breaker.run([] {}); // three of four, by a success
    CHECK(breaker.state() == state::open);
    CHECK_THROWS_WITH(breaker.run([] {}), Catch::Contains("(3 of the last 4 calls failed)"));
}

EFFECTS_IN_BOTH_WORLDS("only the last calls count for the share", "[async][circuit_breaker]") {
    async::circuit_breaker breaker{
        {.failures_in_a_row = 0, .failure_rate = 0.3, .window = 10, .minimum_calls = 10, .open_for = 1h}};
    for (int round = 0; round < 20; ++round) { // two of each ten
        for (int i = 0; i < 4; ++i) breaker.run([] {});
        fails(breaker, fail);
        REQUIRE(breaker.state() == state::closed);
    }
    fails(breaker, fail); // 3 of 10, with the one that has just left the window
    CHECK_THROWS_WITH(breaker.run([] {}), Catch::Contains("(3 of the last 10 calls failed, the last one: refused)"));
}

EFFECTS_IN_SIM("calls that ended too long ago don't count for the share", "[async][circuit_breaker]") {
    async::circuit_breaker breaker{
        {.failures_in_a_row = 0, .failure_rate = 0.5, .minimum_calls = 3, .window_time = 10s, .open_for = 1h}};
    fails(breaker, fail, 2);
    async::sleep_for(10s + 1ns);
    fails(breaker, fail); // alone
    CHECK(breaker.state() == state::closed);
    async::sleep_for(10s);
    fails(breaker, fail); // the one before it is just young enough: two
    CHECK(breaker.state() == state::closed);
    fails(breaker, fail);
    CHECK(breaker.state() == state::open);
}

EFFECTS_IN_BOTH_WORLDS("what counts as a failure is a predicate over exceptions and results",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 2,
                                    .open_for = 1h,
                                    .failure = {async::is_transient, [](int const& status) { return status >= 500; }}}};
    for (int i = 0; i < 5; ++i) {
        CHECK_THROWS_AS(breaker.run([] { throw denied(); }), effects::error);
        CHECK_THROWS_AS(breaker.run([] { throw std::logic_error("bug"); }), std::logic_error);
        CHECK_THROWS_AS(breaker.run([] { throw 1; }), int);
        CHECK(breaker.run([] { return 404; }) == 404);
        CHECK(breaker.run([] { return std::string("another type"); }) == "another type");
    }
    CHECK(breaker.state() == state::closed);
    CHECK(breaker.run([] { return 503; }) == 503); // is given all the same
    CHECK(breaker.run([] { return 503; }) == 503);
    CHECK_THROWS_WITH(breaker.run([] {}),
                      Catch::Contains("(2 failures in a row, the last one: a result that counts as one)"));
}

EFFECTS_IN_SIM("a call that took too long counts as a failure, whatever it gave", "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 2, .open_for = 1h, .slow_call = 2s}};
    auto takes = [&](async::duration d) {
        return breaker.run([&] {
            async::sleep_for(d);
            return 1;
        });
    };
    CHECK(takes(2s) == 1);
    CHECK(takes(2s - 1ns) == 1);
    CHECK(takes(2s) == 1);
    CHECK(breaker.state() == state::closed);
    CHECK(takes(3s) == 1);
    CHECK_THROWS_WITH(takes(0s), Catch::Contains("(2 failures in a row, the last one: it took 3 s)"));
}

EFFECTS_IN_SIM("each change of state is told, at its instant, with its reason", "[async][circuit_breaker]") {
    std::vector<std::string> told;
    stopwatch since;
    async::circuit_breaker breaker{
        {.name = "bank", .failures_in_a_row = 1, .open_for = 5s, .on_change = [&](async::circuit_change const& c) {
             std::ostringstream line;
             line << c.circuit << " " << c.from << " > " << c.to << " at " << (c.at - since.begun) / 1s << ": "
                  << c.why;
             told.push_back(line.str());
             async::yield(); // it may suspend
         }}};
    fails(breaker, fail);
    async::sleep_for(7s);
    CHECK(breaker.state() == state::half_open);
    CHECK(told.size() == 1); // looking changes nothing
    fails(breaker, fail);
    async::sleep_for(5s);
    breaker.run([] {});
    breaker.trip("maintenance");
    breaker.trip("again"); // no change
    breaker.reset();
    breaker.reset();

    CHECK(told == std::vector<std::string>{
                      "bank closed > open at 0: 1 failure, the last one: refused",
                      "bank open > half-open at 7: its time is over: calls are tried",
                      "bank half-open > open at 7: a trial failed: refused",
                      "bank open > half-open at 12: its time is over: calls are tried",
                      "bank half-open > closed at 12: the trial succeeded",
                      "bank closed > open at 12: maintenance",
                      "bank open > closed at 12: reset by hand",
                  });
}

EFFECTS_IN_BOTH_WORLDS("what on_change throws leaves the call that changed the state, and loses no place",
                       "[async][circuit_breaker]") {
    bool angry = true;
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = 0s, .on_change = [&](auto const&) {
                                        if (angry) throw std::runtime_error("told");
                                    }}};
    CHECK_THROWS_WITH(breaker.run(fail), "told");
    CHECK(breaker.state() == state::half_open);                     // it did open
    CHECK_THROWS_WITH(breaker.run([] { FAIL("called"); }), "told"); // as it went half-open
    angry = false;
    CHECK(breaker.run([] { return 1; }) == 1);
    CHECK(breaker.state() == state::closed);
}

EFFECTS_IN_BOTH_WORLDS("what a circuit's predicate throws leaves the call, and loses no place",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = 0s, .failure = [](effects::error const& e) {
                                        if (e.message() == "odd") throw std::runtime_error("cannot tell");
                                        return true;
                                    }}};
    fails(breaker, fail);
    CHECK_THROWS_WITH(breaker.run([] { throw refused("odd"); }), "cannot tell");
    CHECK(breaker.state() == state::half_open);
    breaker.run([] {});
    CHECK(breaker.state() == state::closed);
}

EFFECTS_IN_SIM("retry around a circuit waits for its next trial, and no longer", "[async][circuit_breaker][retry]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = 30s}};
    stopwatch since;
    std::vector<async::duration> called;
    int value = async::retry({.attempts = 3, .backoff = async::constant(1s)}, [&] {
        return breaker.run([&] {
            called.push_back(since());
            if (called.size() == 1) throw refused();
            return 7;
        });
    });
    CHECK(value == 7);
    CHECK(called == std::vector<async::duration>{0s, 30s});
}

EFFECTS_IN_BOTH_WORLDS("a circuit can be tripped and reset by hand", "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.open_for = 1h}};
    breaker.trip();
    CHECK(breaker.state() == state::open);
    CHECK_THROWS_WITH(breaker.run([] {}), Catch::Contains("(tripped by hand)"));
    breaker.reset();
    CHECK(breaker.run([] { return 1; }) == 1);
}

EFFECTS_IN_BOTH_WORLDS("a circuit passes on values that only move, references and nothing",
                       "[async][circuit_breaker]") {
    async::circuit_breaker breaker;
    int there = 5;
    CHECK(*breaker.run([] { return std::make_unique<int>(3); }) == 3);
    CHECK(&breaker.run([&]() -> int& { return there; }) == &there);
    breaker.run([&] { there = 6; });
    CHECK(there == 6);
}

EFFECTS_IN_BOTH_WORLDS("many tasks may use one circuit at once", "[async][circuit_breaker]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 10, .open_for = 1h}};
    int called = 0, refusals = 0;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 100; ++i)
            g.spawn([&] {
                async::yield();
                try {
                    breaker.run([&] {
                        ++called;
                        fail();
                    });
                } catch (async::circuit_open const&) {
                    ++refusals;
                } catch (effects::error const&) {
                }
            });
    });
    CHECK(called == 10);
    CHECK(refusals == 90);
}

TEST_CASE("options that make no circuit breaker are refused", "[async][circuit_breaker]") {
    using options = async::circuit_breaker_options;
    auto refused_with = [](options how, char const* words) {
        CHECK_THROWS_WITH(async::circuit_breaker(std::move(how)), Catch::Contains(words));
        CHECK_THROWS_AS(async::circuit_breaker(std::move(how)), std::invalid_argument);
    };
    refused_with({.failures_in_a_row = 0}, "it would never open");
    refused_with({.failures_in_a_row = -1}, "failures_in_a_row");
    refused_with({.failure_rate = 1.5}, "failure_rate");
    refused_with({.failure_rate = std::numeric_limits<double>::quiet_NaN()}, "failure_rate");
    refused_with({.failure_rate = 0.5, .window = 5, .minimum_calls = 6}, "minimum_calls");
    refused_with({.failure_rate = 0.5, .minimum_calls = 0}, "minimum_calls");
    refused_with({.window_time = 0s}, "window_time");
    refused_with({.trials = 0}, "one trial");
    refused_with({.slow_call = 0s}, "slow_call");
    CHECK_NOTHROW(async::circuit_breaker({.failure_rate = 1}));
    CHECK(async::circuit_breaker().state() == state::closed); // outside a world
}

TEST_CASE("states of a circuit print", "[async][circuit_breaker]") {
    std::ostringstream out;
    out << state::closed << ", " << state::open << ", " << state::half_open;
    CHECK(out.str() == "closed, open, half-open");
}
