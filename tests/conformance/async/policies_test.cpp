// SPDX-License-Identifier: BSL-1.0
#include "resilience.hpp"

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace async = effects::async;
using namespace resilience;
using namespace std::chrono_literals;
using effects::perform;

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
        CHECK_THAT(e.where().file_name(), Catch::EndsWith("policies_test.cpp"));
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
