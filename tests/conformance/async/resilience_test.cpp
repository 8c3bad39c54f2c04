// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;
using effects::perform;

// Where the exact instant is what a case is about: virtual time has it.
#define EFFECTS_IN_SIM_BODY(name, tags, body)                                                                          \
    static void body();                                                                                                \
    TEST_CASE(name ", in sim", tags "[sim]") { worlds::in_sim(&body); }                                                \
    static void body()
#define EFFECTS_IN_SIM(name, tags) EFFECTS_IN_SIM_BODY(name, tags, EFFECTS_TEST_JOINED(body_at_line_, __LINE__))

namespace {

void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

effects::error refused(std::string text = "refused") {
    return effects::error(std::make_error_code(std::errc::connection_refused), std::move(text));
}
effects::error denied() { return effects::error(std::make_error_code(std::errc::permission_denied), "denied"); }

void fail() { throw refused(); }

template <class F>
void fails(async::circuit_breaker& b, F f, int times = 1) {
    for (int i = 0; i < times; ++i) CHECK_THROWS_AS(b.run(f), effects::error);
}

// How long since `begun`.
struct stopwatch {
    async::time_point begun = async::now();
    async::duration operator()() const { return async::now() - begun; }
};

// Keeps a group's task waiting until it is let go.
struct gate {
    async::event entered;
    async::event open;
    void pass() {
        entered.set();
        open.wait();
    }
};

struct ask {
    using result_type = int;
    int number = 0;
};

using state = async::circuit_state;

} // namespace

// ---- circuit_breaker ----

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

// ---- rate_limiter ----

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

// ---- bulkhead ----

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

// ---- hedge ----

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

// ---- what retry has beside its cases in combinators_test.cpp ----

EFFECTS_IN_BOTH_WORLDS("retries of many calls share a budget, and stop when it is used up", "[async][retry]") {
    async::retry_budget budget{{.tokens = 3, .per_success = 0}};
    async::retry_options how{.attempts = 3, .backoff = async::constant(0ms), .budget = &budget};
    int calls = 0;
    auto failing = [&] {
        ++calls;
        throw refused();
    };
    CHECK_THROWS_WITH(async::retry(how, failing), "while retrying, after 3 attempts: refused");
    CHECK_THROWS_WITH(async::retry(how, failing),
                      "while retrying, after 2 attempts (no retry budget for another): refused");
    CHECK_THROWS_WITH(async::retry(how, failing),
                      "while retrying, after 1 attempt (no retry budget for another): refused");
    CHECK(calls == 6);
    how.when = [](int const&) { return true; };
    CHECK(async::retry(how, [] { return 503; }) == 503); // a result is given, as ever
}

EFFECTS_IN_BOTH_WORLDS("successes give a budget its tokens back, a part each", "[async][retry]") {
    async::retry_budget budget{{.tokens = 2, .per_success = 0.25}};
    async::retry_options how{.backoff = async::constant(0ms), .budget = &budget};
    CHECK(budget.try_take());
    CHECK(budget.try_take());
    CHECK_FALSE(budget.try_take());

    for (int i = 0; i < 3; ++i) async::retry(how, [] {});
    CHECK_FALSE(budget.try_take());
    CHECK_THROWS_AS(async::retry(how, [] { throw denied(); }), effects::error); // is none
    CHECK_FALSE(budget.try_take());
    async::retry(how, [] { return 1; });
    CHECK(budget.available() == 1);
    async::retry(how, [](int attempt) {
        if (attempt == 1) fail();
    });
    CHECK(budget.available() == 0);

    for (int i = 0; i < 100; ++i) budget.succeeded();
    CHECK(budget.available() == 2); // never more than it had
}

EFFECTS_IN_BOTH_WORLDS("an attempt that is not made takes no token", "[async][retry][cancel][timeout]") {
    async::retry_budget budget{{.tokens = 1}};
    async::retry_options how{.backoff = async::constant(1h), .budget = &budget};
    CHECK_THROWS_WITH(async::timeout(1min, [&] { async::retry(how, fail); }), Catch::Contains("(no time for another)"));
    CHECK(budget.available() == 1);

    async::task_group([&](async::group& g) {
        g.spawn([&] { async::retry(how, fail); });
        CHECK(budget.available() == 0); // it waits
        g.cancel();
    });
    CHECK(budget.available() == 1);
}

EFFECTS_IN_SIM("retry does not sleep towards a deadline that Retry-After lies beyond", "[async][retry][timeout]") {
    struct busy : effects::error {
        busy() : error(std::make_error_code(std::errc::resource_unavailable_try_again), "busy") {}
        std::optional<std::chrono::nanoseconds> retry_after() const noexcept override { return 20s; }
    };
    stopwatch since;
    auto tries = [&](async::duration limit) {
        int calls = 0;
        try {
            async::timeout(limit, [&] {
                async::retry({.attempts = 2, .backoff = async::constant(1ms)}, [&] {
                    ++calls;
                    throw busy();
                });
            });
        } catch (busy const&) {
        }
        return calls;
    };
    CHECK(tries(20s) == 1);
    CHECK(since() == 0s);
    CHECK(tries(20s + 1ns) == 2);
    CHECK(since() == 20s);
}

EFFECTS_IN_BOTH_WORLDS("retry gives references as they are", "[async][retry]") {
    int there = 5;
    CHECK(&async::retry([&]() -> int& { return there; }) == &there);
}

TEST_CASE("budgets out of their range are refused", "[async][retry]") {
    CHECK_THROWS_AS(async::retry_budget({.tokens = 0}), std::invalid_argument);
    CHECK_THROWS_AS(async::retry_budget({.tokens = 2'000'000}), std::invalid_argument);
    CHECK_THROWS_AS(async::retry_budget({.per_success = -0.1}), std::invalid_argument);
    CHECK_THROWS_AS(async::retry_budget({.per_success = std::numeric_limits<double>::infinity()}),
                    std::invalid_argument);
    CHECK_THROWS_AS(async::retrying({.attempts = 0}), std::invalid_argument);
    CHECK(async::retry_budget().available() == 100);
}

// ---- policies and middleware ----

EFFECTS_IN_BOTH_WORLDS("guarding retries an operation, which reaches the next handler out unchanged",
                       "[async][policies]") {
    std::vector<int> asked;
    auto flaky = [&](ask const& op) {
        asked.push_back(op.number);
        if (asked.size() < 3) fail();
        return op.number * 2;
    };
    int value = effects::handle([] { return perform(ask{21}); },
                                async::guarding<ask>(async::retrying({.backoff = async::constant(0ms)})), flaky);
    CHECK(value == 42);
    CHECK(asked == std::vector{21, 21, 21});
}

EFFECTS_IN_BOTH_WORLDS("each policy guards operations as it guards calls", "[async][policies]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1, .open_for = 1h}};
    async::rate_limiter limiter{{.permits = 1, .per = 1h, .max_waiting = 0}};
    async::bulkhead places{{.limit = 1}};
    auto failing = [](ask const&) -> int { throw refused(); };
    auto body = [] { return perform(ask{}); };

    CHECK_THROWS_WITH(effects::handle(body, async::guarding<ask>(breaker), failing), "refused");
    CHECK_THROWS_AS(effects::handle(body, async::guarding<ask>(breaker), failing), async::circuit_open);
    CHECK_THROWS_WITH(effects::handle(body, async::guarding<ask>(limiter), failing), "refused");
    CHECK_THROWS_AS(effects::handle(body, async::guarding<ask>(limiter), failing), async::rate_limited);
    {
        auto held = places.acquire();
        CHECK_THROWS_AS(effects::handle(body, async::guarding<ask>(places), failing), async::bulkhead_full);
    }
    CHECK_THROWS_WITH(effects::handle(body, async::guarding<ask>(places), failing), "refused");
    CHECK_THROWS_WITH(effects::handle(body, async::guarding<ask>(async::time_limit(1us, "asking")),
                                      [](ask const&) {
                                          async::event().wait();
                                          return 0;
                                      }),
                      Catch::StartsWith("asking: "));
}

EFFECTS_IN_SIM("a hedged operation is performed by tasks under the handlers outside", "[async][policies][hedge]") {
    stopwatch since;
    int inner = 0, outer = 0;
    auto slow_at_first = [&](ask const& op) {
        async::sleep_for(++outer == 1 ? 1h : 10ms);
        return op.number + outer;
    };
    int value = effects::handle([] { return perform(ask{40}); }, async::guarding<ask>(async::hedging({.delay = 50ms})),
                                [&](ask op) {
                                    ++inner;
                                    return perform(std::move(op));
                                },
                                slow_at_first);
    CHECK(value == 42);
    CHECK(inner == 2);
    CHECK(since() == 60ms);
}

EFFECTS_IN_SIM("policies nest with the first outermost", "[async][policies]") {
    stopwatch since;
    int calls = 0;
    auto slow = [&] {
        ++calls;
        async::sleep_for(1h);
    };
    async::retry_options how{.attempts = 3, .backoff = async::constant(1s)};

    async::policies each(async::retrying(how), async::time_limit(2s));
    CHECK_THROWS_AS(each.run(slow), async::timed_out);
    CHECK(calls == 3);
    CHECK(since() == 8s);

    calls = 0;
    since = {};
    async::policies together(async::time_limit(2s), async::retrying(how));
    CHECK_THROWS_AS(together.run(slow), async::timed_out);
    CHECK(calls == 1);
    CHECK(since() == 2s);
}

EFFECTS_IN_SIM("a whole stack of policies guards an operation", "[async][policies]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 2, .open_for = 10s}};
    async::rate_limiter limiter{{.permits = 1, .per = 1s, .burst = 1}};
    stopwatch since;
    std::vector<async::duration> asked;
    auto stack = async::guarding<ask>(async::retrying({.attempts = 5, .backoff = async::constant(100ms)}), breaker,
                                      limiter, async::time_limit(500ms));
    int value = effects::handle([] { return perform(ask{7}); }, stack,
                                [&](ask const& op) {
                                    asked.push_back(since());
                                    if (asked.size() < 3) async::sleep_for(1h);
                                    return op.number;
                                });
    CHECK(value == 7);
    // The limit's second, then 500 ms more and the time that the circuit was open.
    CHECK(asked == std::vector<async::duration>{0s, 1s, 11500ms});
}

EFFECTS_IN_BOTH_WORLDS("policies are policies: they pass what only moves, and nest", "[async][policies]") {
    async::bulkhead places{{.limit = 1}};
    async::policies inner(places, async::time_limit(1h));
    async::policies outer(async::retrying(), inner);
    CHECK(*outer.run([] { return std::make_unique<int>(3); }) == 3);
    int there = 0;
    CHECK(&outer.run([&]() -> int& { return there; }) == &there);
    outer.run([&] { there = places.running() == 1 ? 1 : -1; });
    CHECK(there == 1);
    static_assert(decltype(inner)::calls_once);
    static_assert(!decltype(outer)::calls_once);
}

EFFECTS_IN_BOTH_WORLDS("only those operations that may be are guarded", "[async][policies]") {
    int calls = 0;
    auto failing = [&](ask const&) -> int {
        ++calls;
        throw refused();
    };
    auto body = [](int number) { return [number] { return perform(ask{number}); }; };
    auto small = [](ask const& op) { return op.number < 10; };
    auto guard = async::guarding_if<ask>(small, async::retrying({.attempts = 3, .backoff = async::constant(0ms)}));
    CHECK_THROWS_AS(effects::handle(body(1), guard, failing), effects::error);
    CHECK(calls == 3);
    CHECK_THROWS_WITH(effects::handle(body(10), guard, failing), "refused");
    CHECK(calls == 4);
}

namespace {

struct send {
    using result_type = void;
    std::unique_ptr<int> what;
};
struct counted {
    using result_type = void;
    counted() = default;
    counted(counted const& other) : copies(other.copies + 1) {}
    counted(counted&&) = default;
    int copies = 0;
};
struct find {
    using result_type = int&;
};
struct trail;
struct counting {
    int& calls;
    template <class F>
    auto run(F&& f) const {
        ++calls;
        return f();
    }
};

} // namespace

EFFECTS_IN_BOTH_WORLDS("an operation that only moves can be guarded by what makes it once", "[async][policies]") {
    async::bulkhead places;
    int sent = 0;
    effects::handle([] { perform(send{std::make_unique<int>(3)}); },
                    async::guarding<send>(places, async::time_limit(1h)), [&](send op) { sent = *op.what; });
    CHECK(sent == 3);
    // Repeated, it is looked at.
    effects::handle([] { perform(send{std::make_unique<int>(4)}); }, async::guarding<send>(async::retrying()),
                    [&](send const& op) { sent = *op.what; });
    CHECK(sent == 4);
}

EFFECTS_IN_BOTH_WORLDS("an operation is not copied for policies that make it once", "[async][policies]") {
    async::bulkhead places;
    int copies = -1;
    auto body = [] { perform(counted{}); };
    auto taker = [&](counted op) { copies = op.copies; };
    effects::handle(body, async::guarding<counted>(places), async::guarding<counted>(async::time_limit(1h)), taker);
    CHECK(copies == 0);
    effects::handle(body, async::guarding<counted>(async::retrying()), taker);
    CHECK(copies == 1); // the next attempt would need it again
}

EFFECTS_IN_BOTH_WORLDS("references come through all policies", "[async][policies]") {
    async::circuit_breaker breaker;
    async::rate_limiter limiter{{.permits = 10}};
    async::bulkhead places;
    int there = 1;
    int* found = effects::handle(
        [] { return &perform(find{}); },
        async::guarding<find>(async::retrying(), async::hedging(), breaker, limiter, places, async::time_limit(1h)),
        effects::on<find>([&]() -> int& { return there; }));
    CHECK(found == &there);
}

EFFECTS_IN_BOTH_WORLDS("guards work at a tag, beside plain handlers of the operation", "[async][policies]") {
    int calls = 0;
    auto flaky = [&](ask const& op) {
        if (++calls < 3) fail();
        return op.number;
    };
    for (bool hedged : {false, true}) {
        calls = 0;
        auto body = [] { return perform(effects::at<trail>(ask{5})); };
        auto plain = [](ask const&) -> int { throw std::logic_error("the plain one"); };
        int value =
            hedged
                ? effects::handle(body,
                                  effects::at<trail>(effects::handlers(
                                      async::guarding<ask>(async::hedging({.delay = 1h, .attempts = 3})), flaky)),
                                  plain)
                : effects::handle(body,
                                  effects::at<trail>(effects::handlers(
                                      async::guarding<ask>(async::retrying({.backoff = async::constant(0ms)})), flaky)),
                                  plain);
        CHECK(value == 5);
        CHECK(calls == 3);
    }
}

EFFECTS_IN_BOTH_WORLDS("messages name the place of the guarded perform, not the guard's", "[async][policies]") {
    async::bulkhead places;
    std::uint_least32_t line = 0;
    auto body = [&] {
        line = __LINE__ + 1;
        return perform(ask{});
    };
    try {
        effects::handle(body, async::guarding<ask>(async::retrying(), places));
        FAIL("no exception");
    } catch (effects::unhandled_operation const& e) {
        CHECK(e.where().line() == line);
        CHECK_THAT(e.where().file_name(), Catch::EndsWith("resilience_test.cpp"));
    }
}

EFFECTS_IN_BOTH_WORLDS("a control clause outside a guard may resume later, once or never", "[async][policies]") {
    async::circuit_breaker breaker{{.failures_in_a_row = 1}};
    async::bulkhead places{{.limit = 1}};
    auto body = [&] { return effects::handle([] { return perform(ask{1}); }, async::guarding<ask>(breaker, places)); };
    int value = effects::handle(body, effects::control<ask>([&](ask op, auto k) {
                                    CHECK(places.running() == 1);
                                    return std::move(k).resume(op.number + 1);
                                }));
    CHECK(value == 2);
    CHECK_THROWS_WITH(effects::handle(body, effects::control<ask>([](ask, auto k) {
                                          return std::move(k).resume_with_exception(std::make_exception_ptr(refused()));
                                      })),
                      "refused");
    CHECK(breaker.state() == state::open);
    CHECK(places.running() == 0);
}

EFFECTS_IN_BOTH_WORLDS("a policy of one's own is any object that runs a function", "[async][policies]") {
    int calls = 0;
    int value =
        effects::handle([] { return perform(ask{1}); },
                        async::guarding<ask>(async::retrying({.backoff = async::constant(0ms)}), counting{calls}),
                        [&](ask const& op) {
                            if (calls == 1) fail();
                            return op.number;
                        });
    CHECK(value == 1);
    CHECK(calls == 2);
}
