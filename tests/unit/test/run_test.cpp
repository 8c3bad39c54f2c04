// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>

#include <effects/async/retry.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/time.hpp>
#include <effects/http.hpp>
#include <effects/net/error.hpp>
#include <effects/sql.hpp>

#include "shop.hpp"

namespace async = effects::async;
namespace sql = effects::sql;
namespace test = effects::test;
using effects::perform;
using namespace shop;
using namespace std::literals;

TEST_CASE("run gives what the body returns", "[test][run]") {
    test::mock world;
    world.expect(test::matching<find_price>()).reply(7);

    CHECK(test::run([] { return perform(find_price{"x"}); }, world) == 7);
    CHECK(*test::run([] { return std::make_unique<int>(3); }) == 3);
}

TEST_CASE("run gives references and nothing as they are", "[test][run]") {
    int n = 0;

    int& same = test::run([&]() -> int& { return n; });
    test::run([&] { n = 5; });

    CHECK(&same == &n);
    CHECK(n == 5);
}

TEST_CASE("run throws what the body throws", "[test][run]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(7);

    CHECK_THROWS_AS(test::run([]() -> int { throw std::out_of_range("x"); }, world), std::out_of_range);
    CHECK_THROWS_AS(test::run([] { throw 5; }, world), int);
}

TEST_CASE("run fails for an expectation that was not met", "[test][run]") {
    test::mock world;
    world.expect(log_line{"x"});

    CHECK_THROWS_AS(test::run([] { return 1; }, world), test::failed);
    CHECK(verified(world) == "");
}

TEST_CASE("run fails for an unexpected operation that the body swallowed", "[test][run]") {
    test::mock world;
    world.on(log_line{"x"});
    auto swallow = [] {
        try {
            perform(log_line{"y"});
        } catch (std::exception const&) {
        }
        return 1;
    };

    CHECK_THAT(thrown_by<test::failed>([&] { test::run(swallow, world); }),
               Catch::Contains("unexpected operation shop::log_line"));
}

TEST_CASE("run tells an unexpected operation that the body let pass once", "[test][run]") {
    test::mock world;
    world.on(log_line{"x"});

    std::string text = thrown_by<test::failed>([&] { test::run([] { perform(log_line{"y"}); }, world); });

    CHECK_THAT(text, Catch::StartsWith("1 expectation failed\n\nunexpected operation"));
    CHECK_THAT(text, !Catch::Contains("the test's body threw"));
}

TEST_CASE("run tells what the body threw beside the failed expectations", "[test][run]") {
    test::mock world;
    world.expect(log_line{"x"});

    CHECK_THAT(thrown_by<test::failed>([&] { test::run([] { throw std::runtime_error("no luck"); }, world); }),
               Catch::EndsWith("the test's body threw: no luck"));
    world.expect(log_line{"x"});
    CHECK_THAT(thrown_by<test::failed>([&] { test::run([] { throw 5; }, world); }),
               Catch::EndsWith("the test's body threw something that is no std::exception"));
}

TEST_CASE("run fails for an operation that nobody handles, even if the body swallowed the error", "[test][run]") {
    auto swallow = [] {
        try {
            perform(log_line{"y"});
        } catch (std::exception const&) {
        }
    };

    CHECK_THAT(thrown_by<test::failed>([&] { test::run(swallow); }),
               Catch::Contains("unexpected operation shop::log_line"));
    test::mock world;
    CHECK_THROWS_AS(test::run(swallow, world), test::failed);
}

TEST_CASE("run takes several mocks and other handlers, and verifies all of the mocks", "[test][run]") {
    test::mock prices, logs, unused;
    prices.on(test::matching<find_price>()).reply(2);
    logs.expect(log_line{"never"});
    unused.expect(log_line{"neither"});

    std::string text = thrown_by<test::failed>([&] {
        test::run(
            [] {
                return perform(find_price{"x"}) + perform(charge_card{"a", 1}).cents;
            },
            prices, [](charge_card const&) { return receipt{3}; }, effects::handlers(logs), unused);
    });

    CHECK_THAT(text,
               Catch::StartsWith("2 expectations failed") && Catch::Contains("never") && Catch::Contains("neither"));
}

TEST_CASE("run verifies a mock that it was given for good", "[test][run]") {
    auto unmet = [] {
        test::mock world;
        world.expect(log_line{"x"});
        return world;
    };

    CHECK_THROWS_AS(test::run([] {}, unmet()), test::failed);
}

TEST_CASE("run verifies mocks inside composed handlers that are borrowed", "[test][run]") {
    test::mock world;
    world.expect(log_line{"x"});
    auto shop = effects::handlers([](find_price const&) { return 1; }, effects::handlers(world));

    CHECK_THROWS_AS(test::run([] {}, shop), test::failed);
}

TEST_CASE("the body of run sleeps in simulated time", "[test][run]") {
    auto slept = test::run([] {
        auto begin = async::now();
        async::sleep_for(24h);
        return async::now() - begin;
    });

    CHECK(slept == 24h);
}

TEST_CASE("run takes the options of the simulated world", "[test][run]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(7);

    CHECK(test::run(
              {.seed = 7}, [] { return perform(find_price{"x"}); }, world) == 7);
}

TEST_CASE("run gives what `returns` makes of the body's value", "[test][run]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(5);

    std::string text = test::run([] { return perform(find_price{"x"}); }, world,
                                 effects::returns([](long v) { return std::to_string(v); }));
    CHECK(text == "5");
}

TEST_CASE("retry tries again what may go away, whichever module threw it", "[test][retry]") {
    namespace http = effects::http;
    test::mock world;
    world.expect(sql::script("vacuum")).fail(sql::serialization_failure()).fail(sql::lock_not_available()).reply();
    world.expect(http::get("http://a/"))
        .reply(http::unavailable())
        .fail(effects::net::error(std::make_error_code(std::errc::connection_refused), "refused"))
        .fail(effects::async::timed_out("total time", std::chrono::seconds(1), std::chrono::seconds(1)))
        .reply(http::too_many_requests().with_header("Retry-After", "30"))
        .reply(http::ok_text("at last"));

    auto answer = test::run(
        [] {
            async::retry([] { perform(sql::script("vacuum")); });
            auto begun = async::now();
            auto text =
                async::retry({.attempts = 5}, [] { return perform(http::get("http://a/")).raise_for_status().text(); });
            CHECK(async::now() - begun >= std::chrono::seconds(30));
            return text;
        },
        world);

    CHECK(answer == "at last");
}

TEST_CASE("retry does not repeat what another try would not mend, whichever module threw it", "[test][retry]") {
    namespace http = effects::http;
    test::mock world;
    world.expect(sql::script("vacuum")).fail(sql::unique_violation("twice"));
    world.expect(http::get("http://a/")).reply(http::not_found());

    test::run(
        [] {
            CHECK_THROWS_AS(async::retry([] { perform(sql::script("vacuum")); }), sql::unique_violation);
            CHECK_THROWS_AS(async::retry([] { perform(http::get("http://a/")).raise_for_status(); }),
                            http::status_error);
        },
        world);
}

TEST_CASE("a retry may be kept to errors of a database", "[test][sql][retry]") {
    test::mock world;
    world.expect(sql::script("vacuum")).fail(sql::serialization_failure()).reply();

    test::run([] { async::retry({.when = sql::is_transient}, [] { perform(sql::script("vacuum")); }); }, world);
}

TEST_CASE("an operation that nobody handles is shown once, with its value and what the mock expects", "[test][run]") {
    test::mock world;
    auto here = std::source_location::current();
    world.expect(charge_card{"tok", 5}, here).reply(receipt{5});
    world.on(log_line{"x"});
    unsigned line = 0;

    std::string text = thrown_by<test::failed>([&] {
        test::run(
            [&] {
                perform(log_line{"x"});
                line = __LINE__ + 1;
                perform(find_price{"x"});
            },
            world);
    });

    CHECK_THAT(text, Catch::Contains("unexpected operation shop::find_price\n    price of 1 x\nperformed at ") &&
                         Catch::Contains("run_test.cpp:" + std::to_string(line)) &&
                         Catch::Contains("once, as " + place(here) + " says:\n    shop::charge_card{\"tok\", 5}") &&
                         Catch::Contains("calls before it:\n    1. shop::log_line{\"x\"}"));
    CHECK_THAT(text, !Catch::Contains("the test's body threw") && !Catch::Contains("handlers in force"));
}
