// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <stdexcept>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

namespace {

// Whether a mock with the expectation is content after so many calls of it; the first that is refused ends it.
bool content_after(int calls, std::function<void(test::expectation<log_line>)> const& set_up) {
    test::mock world;
    set_up(world.expect(log_line{"x"}));
    try {
        handle(
            [&] {
                for (int i = 0; i < calls; ++i) perform(log_line{"x"});
            },
            world);
    } catch (test::unexpected_operation const&) {
    }
    return verified(world).empty();
}

} // namespace

TEST_CASE("an expectation is met by exactly one call, unless told otherwise", "[test][counting]") {
    auto as_it_is = [](auto) {};

    CHECK_FALSE(content_after(0, as_it_is));
    CHECK(content_after(1, as_it_is));
    CHECK_FALSE(content_after(2, as_it_is));
}

TEST_CASE("times wants exactly as many calls", "[test][counting]") {
    auto thrice = [](auto e) { e.times(3); };

    CHECK_FALSE(content_after(2, thrice));
    CHECK(content_after(3, thrice));
    CHECK_FALSE(content_after(4, thrice));
}

TEST_CASE("times(0) wants none", "[test][counting]") {
    auto never = [](auto e) { e.times(0); };

    CHECK(content_after(0, never));
    CHECK_FALSE(content_after(1, never));
}

TEST_CASE("at_least, at_most and between bound the calls", "[test][counting]") {
    auto at_least = [](auto e) { e.times(test::at_least(2)); };
    auto at_most = [](auto e) { e.at_most(2); };
    auto between = [](auto e) { e.times(test::between(1, 2)); };

    CHECK_FALSE(content_after(1, at_least));
    CHECK(content_after(2, at_least));
    CHECK(content_after(9, at_least));
    CHECK(content_after(0, at_most));
    CHECK(content_after(2, at_most));
    CHECK_FALSE(content_after(3, at_most));
    CHECK_FALSE(content_after(0, between));
    CHECK(content_after(1, between));
    CHECK_FALSE(content_after(3, between));
}

TEST_CASE("between with its numbers the wrong way round is refused", "[test][counting]") {
    test::mock world;
    auto stub = world.on(log_line{"x"});

    CHECK_THROWS_AS(stub.times(test::between(2, 1)), std::invalid_argument);
}

TEST_CASE("an expectation with several replies wants as many calls", "[test][counting]") {
    auto two_replies = [](auto e) { e.reply().fail(std::runtime_error("x")); };
    auto calls = [&](int n) {
        try {
            return content_after(n, two_replies);
        } catch (std::runtime_error const&) {
            return content_after(n, [](auto e) { e.reply().reply(); });
        }
    };

    CHECK_FALSE(calls(1));
    CHECK(calls(2));
    CHECK_FALSE(calls(3));
}

TEST_CASE("more calls allowed than replies given run out of replies", "[test][counting]") {
    auto too_few = [](auto e) { e.reply().reply().times(3); };

    CHECK_FALSE(content_after(3, too_few));
}

TEST_CASE("a stub that gets a number becomes an expectation", "[test][counting]") {
    test::mock world;
    world.on(log_line{"x"}).at_least(1);

    CHECK_THAT(verified(world), Catch::Contains("expected at least once, came never"));
}

TEST_CASE("an expectation counts its calls", "[test][counting]") {
    test::mock world;
    auto lines = world.on(test::matching<log_line>());

    CHECK(lines.count() == 0);
    handle([] { perform(log_line{"x"}); }, world);
    CHECK(lines.count() == 1);
}

TEST_CASE("expectations take calls in the order they were made", "[test][counting]") {
    test::mock world;
    world.expect(test::matching<find_price>()).reply(1);
    world.expect(test::matching<find_price>()).reply(2).times(2);
    world.expect(test::matching<find_price>()).reply(3);

    std::vector<int> got = handle(
        [] {
            std::vector<int> prices;
            for (int i = 0; i < 4; ++i) prices.push_back(perform(find_price{"x"}));
            return prices;
        },
        world);

    CHECK(got == std::vector{1, 2, 2, 3});
    CHECK(verified(world) == "");
}

TEST_CASE("an expectation goes before a stub, also one made earlier", "[test][counting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(1);
    world.expect(test::matching<find_price>().where(&find_price::sku, "x")).reply(2);

    CHECK(
        handle([] { return perform(find_price{"x"}) * 100 + perform(find_price{"x"}) * 10 + perform(find_price{"y"}); },
               world) == 211);
    CHECK(verified(world) == "");
}

TEST_CASE("of several stubs that match the newest answers", "[test][counting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(1);
    world.on(test::matching<find_price>().where(&find_price::sku, "x")).reply(2);

    CHECK(handle([] { return perform(find_price{"x"}) * 10 + perform(find_price{"y"}); }, world) == 21);
}

TEST_CASE("a stub whose replies are used up leaves the call to an older one", "[test][counting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(9);
    world.on(test::matching<find_price>()).reply(1, 2);

    CHECK(
        handle([] { return perform(find_price{"x"}) * 100 + perform(find_price{"x"}) * 10 + perform(find_price{"x"}); },
               world) == 129);
}
