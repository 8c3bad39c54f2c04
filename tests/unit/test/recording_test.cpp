// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <thread>
#include <vector>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

TEST_CASE("calls gives copies of the operations of one type, in order", "[test][recording]") {
    test::mock world;
    world.on(test::matching<charge_card>()).reply(receipt{});
    world.on(test::matching<log_line>());

    handle(
        [] {
            perform(charge_card{"a", 1});
            perform(log_line{"x"});
            perform(charge_card{"b", 2});
        },
        world);

    CHECK(world.calls<charge_card>() == std::vector<charge_card>{{"a", 1}, {"b", 2}});
    CHECK(world.calls<find_price>().empty());
}

TEST_CASE("the log holds all operations, in order, as text", "[test][recording]") {
    test::mock world;
    world.on(test::matching<charge_card>()).reply(receipt{});
    world.on(test::matching<log_line>());

    handle(
        [] {
            perform(log_line{"x"});
            perform(charge_card{"a", 1});
        },
        world);

    CHECK(world.log() == std::vector<std::string>{"shop::log_line{\"x\"}", "shop::charge_card{\"a\", 1}"});
}

TEST_CASE("operations that can't be copied are in the log", "[test][recording]") {
    test::mock world;
    world.on(test::matching<send_parcel>()).reply(1);

    handle([] { perform(send_parcel{std::make_unique<int>(1)}); }, world);

    REQUIRE(world.log().size() == 1);
    CHECK_THAT(world.log()[0], Catch::StartsWith("shop::send_parcel{"));
}

TEST_CASE("unexpected operations and those that fail are recorded too", "[test][recording]") {
    test::mock world;
    world.on(log_line{"fails"}).fail(1);
    for (auto text : {"unexpected", "fails"}) {
        try {
            handle([&] { perform(log_line{text}); }, world);
        } catch (...) {
        }
    }

    CHECK(world.calls<log_line>() == std::vector<log_line>{{"unexpected"}, {"fails"}});
    CHECK(verified(world) != "");
}

TEST_CASE("a reply that changes an operation it was given as an rvalue does not change the record",
          "[test][recording]") {
    test::mock world;
    world.on(test::matching<log_line>()).reply([](log_line op) { op.text += "!"; });

    handle([] { perform(log_line{"x"}); }, world);

    CHECK(world.calls<log_line>() == std::vector<log_line>{{"x"}});
}

TEST_CASE("several threads may perform on one mock", "[test][recording]") {
    test::mock world;
    auto charge = world.expect(test::matching<charge_card>()).reply(receipt{1}).times(400);
    world.on(test::matching<log_line>());

    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 100; ++n)
                handle(
                    [] {
                        perform(charge_card{"a", 1});
                        perform(log_line{"x"});
                    },
                    world);
        });
    for (auto& t : threads) t.join();

    CHECK(charge.count() == 400);
    CHECK(world.log().size() == 800);
    CHECK(verified(world) == "");
}
