// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <stdexcept>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

namespace {

void perform_all(test::mock& world, std::string const& letters) {
    handle(
        [&] {
            for (char c : letters) perform(log_line{std::string(1, c)});
        },
        world);
}

} // namespace

TEST_CASE("expectations come in any order unless told otherwise", "[test][order]") {
    test::mock world;
    world.expect(log_line{"a"});
    world.expect(log_line{"b"});

    perform_all(world, "ba");

    CHECK(verified(world) == "");
}

TEST_CASE("expectations in order are met by calls in that order", "[test][order]") {
    test::mock world;
    test::in_order(world.expect(log_line{"a"}), world.expect(log_line{"b"}), world.expect(log_line{"c"}));

    perform_all(world, "abc");

    CHECK(verified(world) == "");
}

TEST_CASE("a call that comes too early is refused and says what must come first", "[test][order]") {
    test::mock world;
    auto here = std::source_location::current();
    auto first = world.expect(log_line{"a"}, here);
    auto second = world.expect(log_line{"b"});
    test::in_order(first, second);

    std::string error = thrown_by<test::unexpected_operation>([&] { perform_all(world, "b"); });

    CHECK_THAT(error, Catch::Contains("      matches, but comes too early: before it must come, as " + place(here) +
                                      " says,\n      shop::log_line{\"a\"}\ncalls before it: none"));
    verified(world);
}

TEST_CASE("a call that comes too late is refused and says what came instead", "[test][order]") {
    test::mock world;
    auto first = world.expect(log_line{"a"}).at_least(1);
    auto second = world.expect(log_line{"b"});
    test::in_order(first, second);

    perform_all(world, "aab");
    std::string error = thrown_by<test::unexpected_operation>([&] { perform_all(world, "a"); });

    CHECK_THAT(error, Catch::Contains("matches, but comes too late: after it was to come"));
    verified(world);
}

TEST_CASE("what is not in the order may come at any time", "[test][order]") {
    test::mock world;
    world.on(log_line{"-"});
    test::in_order(world.expect(log_line{"a"}), world.expect(log_line{"b"}));

    perform_all(world, "-a--b-");

    CHECK(verified(world) == "");
}

TEST_CASE("each in an order is met as often as it wants before the next one", "[test][order]") {
    test::mock world;
    test::in_order(world.expect(log_line{"a"}).times(2), world.expect(log_line{"b"}));

    CHECK_THROWS_AS(perform_all(world, "ab"), test::unexpected_operation);
    perform_all(world, "ab");

    CHECK_THAT(verified(world), Catch::StartsWith("1 expectation failed"));
}

TEST_CASE("one that may stay away does not hold up the order", "[test][order]") {
    test::mock world;
    test::in_order(world.expect(log_line{"a"}).at_most(1), world.expect(log_line{"b"}));

    perform_all(world, "b");
    CHECK_THROWS_AS(perform_all(world, "a"), test::unexpected_operation);

    CHECK(verified(world) != "");
}

TEST_CASE("the same operation may stand in an order at several places", "[test][order]") {
    test::mock world;
    test::in_order(world.expect(log_line{"a"}), world.expect(log_line{"b"}), world.expect(log_line{"a"}));

    perform_all(world, "aba");

    CHECK(verified(world) == "");
}

TEST_CASE("an expectation may stand in two orders", "[test][order]") {
    test::mock world;
    auto a = world.expect(log_line{"a"}), b = world.expect(log_line{"b"}), c = world.expect(log_line{"c"});
    test::in_order(a, c);
    test::in_order(b, c);

    CHECK_THROWS_AS(perform_all(world, "ac"), test::unexpected_operation);
    perform_all(world, "bc");

    CHECK_THAT(verified(world), Catch::StartsWith("1 expectation failed"));
}

TEST_CASE("an order spans operations of different types", "[test][order]") {
    test::mock world;
    test::in_order(world.expect(log_line{"a"}), world.expect(charge_card{"t", 1}).reply(receipt{1}));

    CHECK_THROWS_AS(handle([] { perform(charge_card{"t", 1}); }, world), test::unexpected_operation);
    perform_all(world, "a");

    CHECK(handle([] { return perform(charge_card{"t", 1}); }, world).cents == 1);
    CHECK(verified(world) != "");
}

TEST_CASE("an order of different mocks, or with one expectation twice, is refused", "[test][order]") {
    test::mock one, other;
    auto a = one.on(log_line{"a"}), b = other.on(log_line{"b"});

    CHECK_THROWS_AS(test::in_order(a, b), std::invalid_argument);
    CHECK_THROWS_AS(test::in_order(a, a), std::invalid_argument);
}
