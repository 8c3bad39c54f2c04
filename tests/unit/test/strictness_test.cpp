// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <stdexcept>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

TEST_CASE("an operation that no pattern wants throws out of perform", "[test][strict]") {
    test::mock world;
    world.on(charge_card{"a", 1}).reply(receipt{});

    CHECK_THROWS_AS(handle([] { perform(charge_card{"a", 2}); }, world), test::unexpected_operation);
    CHECK(verified(world) != "");
}

TEST_CASE("an unexpected operation fails the test even if the logic swallows the error", "[test][strict]") {
    test::mock world;
    world.on(charge_card{"a", 1}).reply(receipt{});
    auto swallow = [] {
        try {
            perform(charge_card{"a", 2});
        } catch (...) {
        }
        return 5;
    };

    CHECK(handle(swallow, world) == 5);
    CHECK_THAT(verified(world), Catch::StartsWith("1 expectation failed\n\nunexpected operation shop::charge_card\n"));
}

TEST_CASE("each unexpected operation is told, in the order they came", "[test][strict]") {
    test::mock world;
    world.on(log_line{"x"});
    auto swallow = [] {
        for (auto text : {"a", "b"}) {
            try {
                perform(log_line{text});
            } catch (std::logic_error const&) {
            }
        }
    };
    handle(swallow, world);

    std::string text = verified(world);

    CHECK_THAT(text, Catch::StartsWith("2 expectations failed"));
    CHECK(text.find("log_line{\"a\"}") < text.find("log_line{\"b\"}"));
}

TEST_CASE("an expectation that was not met fails the test", "[test][strict]") {
    test::mock world;
    auto here = std::source_location::current();
    world.expect(charge_card{"a", 1}, here).reply(receipt{});

    CHECK(verified(world) ==
          "1 expectation failed\n\nexpected once, came never:\n    shop::charge_card{\"a\", 1}\n  expected at " +
              place(here));
}

TEST_CASE("an expectation met too seldom says how often it came", "[test][strict]") {
    test::mock world;
    world.expect(log_line{"x"}).times(3);
    handle([] { perform(log_line{"x"}); }, world);

    CHECK_THAT(verified(world), Catch::Contains("expected 3 times, came once:"));
}

TEST_CASE("verifying twice tells each failure once", "[test][strict]") {
    test::mock world;
    world.expect(log_line{"x"});

    CHECK(verified(world) != "");
    CHECK(verified(world) == "");
}

TEST_CASE("an expectation made after a verification is verified by the next one", "[test][strict]") {
    test::mock world;
    CHECK(verified(world) == "");

    world.expect(log_line{"x"});

    CHECK(verified(world) != "");
}

TEST_CASE("a pattern alone makes the mock strict about its type of operation", "[test][strict]") {
    test::mock world;
    world.on(log_line{"x"});

    CHECK_THROWS_AS(handle([] { perform(log_line{"y"}); }, world, [](log_line const&) {}), test::unexpected_operation);
    CHECK(verified(world) != "");
}

TEST_CASE("types of operations that the mock does not know go to handlers further out", "[test][strict]") {
    test::mock world;
    world.on(log_line{"x"});

    CHECK(handle([] { return perform(find_price{"x"}); }, world, [](find_price const&) { return 8; }) == 8);
}

TEST_CASE("an operation that nobody handles names the mock and what it knows, and fails the test", "[test][strict]") {
    test::mock world;
    world.on(log_line{"x"});

    std::string error =
        thrown_by<effects::unhandled_operation>([&] { handle([] { perform(find_price{"x"}); }, world); });

    CHECK_THAT(error, Catch::Contains("test::mock: ") && Catch::Contains("shop::log_line"));
    CHECK_THAT(verified(world), Catch::Contains("unexpected operation shop::find_price"));
}

TEST_CASE("an operation that nobody handles fails the test even if the logic swallows the error", "[test][strict]") {
    test::mock world;
    auto swallow = [] {
        try {
            perform(find_price{"x"});
        } catch (std::exception const&) {
        }
    };

    handle(swallow, world);

    CHECK_THAT(verified(world), Catch::Contains("unexpected operation shop::find_price"));
}

TEST_CASE("an exception of the logic itself is no business of the mock", "[test][strict]") {
    test::mock world;
    world.on(log_line{"x"});

    CHECK_THROWS_AS(handle(
                        [] {
                            perform(log_line{"x"});
                            throw std::runtime_error("mine");
                        },
                        world),
                    std::runtime_error);
    CHECK(verified(world) == "");
}
