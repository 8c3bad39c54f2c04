// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <any>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/async.hpp>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

TEST_CASE("a stub answers any number of times with its one reply", "[test][mock]") {
    test::mock world;
    world.on(charge_card{"a", 1}).reply(receipt{1});

    long sum = handle(
        [] {
            long cents = 0;
            for (int i = 0; i < 5; ++i) cents += perform(charge_card{"a", 1}).cents;
            return cents;
        },
        world);

    CHECK(sum == 5);
    CHECK(verified(world) == "");
}

TEST_CASE("a stub need not come", "[test][mock]") {
    test::mock world;
    world.on(charge_card{"a", 1}).reply(receipt{1});

    CHECK(verified(world) == "");
}

TEST_CASE("several replies are given one after the other", "[test][mock]") {
    test::mock world;
    world.on(test::matching<charge_card>()).reply(receipt{1}, receipt{2}).reply(receipt{3});

    auto got = handle(
        [] {
            std::vector<long> cents;
            for (int i = 0; i < 3; ++i) cents.push_back(perform(charge_card{"a", 1}).cents);
            return cents;
        },
        world);

    CHECK(got == std::vector<long>{1, 2, 3});
}

TEST_CASE("a call after the last of several replies is unexpected", "[test][mock]") {
    test::mock world;
    world.on(charge_card{"a", 1}).reply(receipt{1}, receipt{2});

    std::string error = thrown_by<test::unexpected_operation>([&] {
        handle(
            [] {
                for (int i = 0; i < 3; ++i) perform(charge_card{"a", 1});
            },
            world);
    });

    CHECK_THAT(error, Catch::Contains("matches, but its 2 replies are used up"));
    CHECK(verified(world) != "");
}

TEST_CASE("a reply may be a function of the operation", "[test][mock]") {
    test::mock world;
    world.on(test::matching<charge_card>()).reply([](charge_card const& op) { return receipt{op.cents * 2}; });

    CHECK(handle([] { return perform(charge_card{"a", 21}); }, world).cents == 42);
}

TEST_CASE("a reply may be a function of nothing, with a state of its own", "[test][mock]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply([n = 0]() mutable { return ++n; });

    CHECK(handle([] { return perform(find_price{"x"}) + 10 * perform(find_price{"x"}); }, world) == 21);
}

TEST_CASE("a reply may be a function object that can't be copied", "[test][mock]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply([p = std::make_unique<int>(7)] { return *p; });

    CHECK(handle([] { return perform(find_price{"x"}); }, world) == 7);
}

TEST_CASE("a reply in braces makes the result", "[test][mock]") {
    test::mock world;
    world.on(charge_card{"a", 1}).reply({5});

    CHECK(handle([] { return perform(charge_card{"a", 1}); }, world) == receipt{5});
}

TEST_CASE("what a reply function performs goes to handlers outside the mock", "[test][mock]") {
    test::mock world;
    world.on(test::matching<charge_card>()).reply([](charge_card const& op) {
        return perform(charge_card{op.token, op.cents + 1});
    });

    auto got = handle(
        [] {
            return perform(charge_card{"a", 1});
        },
        world, [](charge_card const& op) { return receipt{op.cents * 10}; });

    CHECK(got.cents == 20);
    CHECK(world.calls<charge_card>().size() == 1);
}

TEST_CASE("what a reply function throws leaves perform, and is no failure of the test", "[test][mock]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply([]() -> int { throw std::out_of_range("no such price"); });

    CHECK_THROWS_AS(handle([] { return perform(find_price{"x"}); }, world), std::out_of_range);
    CHECK(verified(world) == "");
}

TEST_CASE("fail throws the exception, its type unchanged, each time", "[test][mock]") {
    test::mock world;
    world.on(test::matching<find_price>()).fail(std::out_of_range("gone"));

    for (int i = 0; i < 2; ++i)
        CHECK(thrown_by<std::out_of_range>([&] { handle([] { return perform(find_price{"x"}); }, world); }) == "gone");
}

TEST_CASE("fail takes an exception_ptr, and exceptions that are no std::exception", "[test][mock]") {
    test::mock world;
    world.on(test::matching<find_price>()).fail(std::make_exception_ptr(std::domain_error("from afar")), 5);

    CHECK(thrown_by<std::domain_error>([&] { handle([] { return perform(find_price{"x"}); }, world); }) == "from afar");
    CHECK_THROWS_AS(handle([] { return perform(find_price{"x"}); }, world), int);
}

TEST_CASE("failures and replies mix, in the order they are given", "[test][mock]") {
    test::mock world;
    world.expect(charge_card{"a", 1}).fail(std::runtime_error("busy"), std::runtime_error("busy")).reply(receipt{3});
    auto persist = [] {
        for (int attempt = 1;; ++attempt) {
            try {
                perform(charge_card{"a", 1});
                return attempt;
            } catch (std::runtime_error const&) {
            }
        }
    };

    CHECK(handle(persist, world) == 3);
    CHECK(verified(world) == "");
}

TEST_CASE("an operation without a result needs no reply", "[test][mock]") {
    test::mock world;
    world.expect(log_line{"a"});
    world.expect(log_line{"b"}).reply();

    handle(
        [] {
            perform(log_line{"a"});
            perform(log_line{"b"});
        },
        world);

    CHECK(verified(world) == "");
}

TEST_CASE("an operation without a result can have functions and failures as replies", "[test][mock]") {
    test::mock world;
    std::string seen;
    world.on(test::matching<log_line>())
        .reply([&](log_line const& op) { seen += op.text; })
        .fail(std::runtime_error("full"));

    handle([] { perform(log_line{"a"}); }, world);

    CHECK(seen == "a");
    CHECK_THROWS_AS(handle([] { perform(log_line{"b"}); }, world), std::runtime_error);
}

TEST_CASE("a result that moves only is given once", "[test][mock]") {
    test::mock world;
    world.on(open_drawer{1}).reply(std::make_unique<int>(5));

    CHECK(*handle([] { return perform(open_drawer{1}); }, world) == 5);

    CHECK_THAT(thrown_by<test::unexpected_operation>([&] { handle([] { return perform(open_drawer{1}); }, world); }),
               Catch::Contains("matches, but its reply, which can't be copied, is used up"));
    CHECK(verified(world) != "");
}

TEST_CASE("a function may make results that move only, any number of times", "[test][mock]") {
    test::mock world;
    world.on(test::matching<open_drawer>()).reply([](open_drawer const& op) {
        return std::make_unique<int>(op.number);
    });

    CHECK(handle([] { return *perform(open_drawer{4}) + *perform(open_drawer{3}); }, world) == 7);
}

TEST_CASE("an operation that answers with a reference gets the object itself", "[test][mock]") {
    test::mock world;
    int counter = 0;
    world.on(get_counter{}).reply(counter);

    handle([] { perform(get_counter{}) += 3; }, world);

    CHECK(counter == 3);
}

TEST_CASE("an operation that moves only can be answered and performed", "[test][mock]") {
    test::mock world;
    world.expect(test::matching<send_parcel>().where("heavy", [](send_parcel const& op) { return *op.weight > 5; }))
        .reply(1);

    CHECK(handle([] { return perform(send_parcel{std::make_unique<int>(9)}); }, world) == 1);
    CHECK(verified(world) == "");
}

TEST_CASE("an operation that needs an answer and has no reply fails the test", "[test][mock]") {
    test::mock world;
    auto here = std::source_location::current();
    world.on(charge_card{"a", 1}, here);

    std::string error = thrown_by<test::unexpected_operation>([&] {
        handle([] { perform(charge_card{"a", 1}); }, world);
    });

    CHECK_THAT(error, Catch::StartsWith("no reply was given for\n    shop::charge_card{\"a\", 1}\nperformed at ") &&
                          Catch::EndsWith("\nsay .reply(…), .fail(…), .hang() or .hold() at " + place(here)));
    CHECK(verified(world) != "");
}

TEST_CASE("replies may be added while the mock is in use", "[test][mock]") {
    test::mock world;
    auto price = world.on(test::matching<find_price>());

    int sum = handle(
        [&] {
            price.reply(1);
            int first = perform(find_price{"x"});
            price.reply(20);
            return first + perform(find_price{"x"});
        },
        world);

    CHECK(sum == 21);
}

TEST_CASE("a type of operation named while the mock is in use is answered from then on", "[test][mock]") {
    test::mock world;
    auto body = [&] {
        int before = perform(find_price{"x"});
        world.on(test::matching<find_price>()).reply(2);
        return 10 * before + perform(find_price{"x"});
    };

    CHECK(handle(body, world, [](find_price const&) { return 1; }) == 12);
}

TEST_CASE("one mock can be installed again and again", "[test][mock]") {
    test::mock world;
    auto price = world.on(test::matching<find_price>()).reply(1);

    for (int i = 0; i < 3; ++i) handle([] { return perform(find_price{"x"}); }, world);

    CHECK(price.count() == 3);
}

TEST_CASE("a mock can be made by a function and moved before it is installed", "[test][mock]") {
    auto make = [] {
        test::mock world;
        world.on(test::matching<find_price>()).reply(4);
        return world;
    };
    test::mock world = make();
    test::mock moved = std::move(world);

    CHECK(handle([] { return perform(find_price{"x"}); }, moved) == 4);
    CHECK(handle([] { return perform(find_price{"x"}); }, std::move(moved)) == 4);
}

TEST_CASE("an error that a stub throws again does not carry the context of the calls before", "[test][mock][error]") {
    effects::error refused(std::make_error_code(std::errc::connection_refused), "refused");
    test::mock world;
    world.on(charge_card{"value", 1}).fail(refused);
    world.on(charge_card{"pointer", 1}).fail(std::make_exception_ptr(refused));
    auto held = world.on(charge_card{"held", 1}).hold();
    held.fail(refused);

    for (std::string token : {"value", "pointer", "held"}) {
        for (int i = 0; i < 3; ++i)
            CHECK(thrown_by<effects::error>([&] {
                      test::run(
                          [&] { effects::with_context("charging", [&] {
                                    return perform(charge_card{token, 1});
                                }); },
                          world);
                  }) == "while charging: refused");
        CHECK(thrown_by<effects::error>([&] {
                  test::run(
                      [&] { effects::async::retry({.attempts = 2}, [&] {
                                return perform(charge_card{token, 1});
                            }); },
                      world);
              }) == "while retrying, after 2 attempts: refused");
    }
}

TEST_CASE("a reply that is added after its stub was used is the next call's", "[test][mock]") {
    test::mock world;
    auto stub = world.on(charge_card{"a", 1}).reply(receipt{1});
    auto often = world.expect(charge_card{"b", 1}).reply(receipt{1}).times(4);

    auto got = handle(
        [&] {
            std::vector<long> cents;
            for (std::string token : {"a", "b"}) {
                for (int i = 0; i < 3; ++i) cents.push_back(perform(charge_card{token, 1}).cents);
                (token == "a" ? stub : often).reply(receipt{2});
                cents.push_back(perform(charge_card{token, 1}).cents);
            }
            return cents;
        },
        world);

    CHECK(got == std::vector<long>{1, 1, 1, 2, 1, 1, 1, 2});
    CHECK(verified(world) == "");
    CHECK_THROWS_AS(handle([] { perform(charge_card{"a", 1}); }, world), test::unexpected_operation);
    CHECK(verified(world) != "");
}
