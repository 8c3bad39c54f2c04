// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/test/catch2.hpp>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

// Those tagged [!shouldfail] pass only if they fail: they show that a mock's complaint fails a Catch2 test.

TEST_CASE("an expectation that was not met fails the Catch2 test", "[test][catch2][!shouldfail]") {
    test::mock world;
    world.expect(log_line{"x"});

    test::run([] {}, world);
}

TEST_CASE("an unexpected operation that was swallowed fails the Catch2 test", "[test][catch2][!shouldfail]") {
    test::mock world;
    world.on(log_line{"x"});
    auto swallow = [] {
        try {
            perform(log_line{"y"});
        } catch (std::exception const&) {
        }
    };

    test::run(swallow, world);
}

TEST_CASE("an unexpected operation fails the Catch2 test even where any exception is welcome",
          "[test][catch2][!shouldfail]") {
    test::mock world;
    world.on(log_line{"x"});

    CHECK_THROWS(test::run([] { perform(log_line{"y"}); }, world));
}

TEST_CASE("a mock that nobody verified fails the Catch2 test when it is destroyed", "[test][catch2][!shouldfail]") {
    test::mock world;
    world.expect(log_line{"x"});

    handle([] {}, world);
}

TEST_CASE("an unexpected operation whose exception the test caught fails the Catch2 test, and does not end the program",
          "[test][catch2][!shouldfail]") {
    test::mock world;
    world.on(log_line{"x"});

    CHECK_THROWS_AS(handle([] { perform(log_line{"y"}); }, world), test::unexpected_operation);
}

TEST_CASE("a test goes on after a failed expectation", "[test][catch2][!mayfail]") {
    bool went_on = false;
    {
        test::mock world;
        world.expect(log_line{"x"});
        test::run([] {}, world);
        went_on = true;
    }
    if (!went_on) throw std::logic_error("run threw");
}

TEST_CASE("a test whose expectations are met passes", "[test][catch2]") {
    test::mock world;
    world.expect(log_line{"x"});

    test::run([] { perform(log_line{"x"}); }, world);

    CHECK(world.log().size() == 1);
}
