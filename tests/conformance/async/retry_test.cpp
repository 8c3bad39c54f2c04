// SPDX-License-Identifier: BSL-1.0
#include "resilience.hpp"

#include <limits>
#include <optional>
#include <stdexcept>

namespace async = effects::async;
using namespace resilience;
using namespace std::chrono_literals;

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
