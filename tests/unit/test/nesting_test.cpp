// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/async.hpp>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

TEST_CASE("the inner of two mocks answers what it knows, the outer one the rest", "[test][nesting]") {
    test::mock inner, outer;
    inner.on(test::matching<find_price>()).reply(1);
    outer.on(test::matching<find_price>()).reply(2);
    outer.on(test::matching<charge_card>()).reply(receipt{3});

    long sum = handle([] { return perform(find_price{"x"}) * 10 + perform(charge_card{"a", 1}).cents; }, inner, outer);

    CHECK(sum == 13);
    CHECK(outer.calls<find_price>().empty());
}

TEST_CASE("what the inner mock refuses does not reach the outer one", "[test][nesting]") {
    test::mock inner, outer;
    inner.on(log_line{"a"});
    outer.on(log_line{"b"});

    CHECK_THROWS_AS(handle([] { perform(log_line{"b"}); }, inner, outer), test::unexpected_operation);
    CHECK(verified(inner) != "");
    CHECK(verified(outer) == "");
}

TEST_CASE("a reply function of the inner mock may ask the outer one", "[test][nesting]") {
    test::mock inner, outer;
    inner.on(test::matching<find_price>()).reply([](find_price const& op) { return perform(op) + 1; });
    outer.on(test::matching<find_price>()).reply(10);

    CHECK(handle([] { return perform(find_price{"x"}); }, inner, outer) == 11);
}

TEST_CASE("middleware inside a mock works as it does in production", "[test][nesting]") {
    test::mock world;
    world.expect(log_line{"[x] hello"});
    auto prefixed = effects::on<log_line>([](log_line op) { perform(log_line{"[x] " + op.text}); });

    handle([] { perform(log_line{"hello"}); }, prefixed, world);

    CHECK(verified(world) == "");
}

TEST_CASE("mocks compose with other handlers into one", "[test][nesting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(4);
    auto both = effects::handlers(world, [](charge_card const&) { return receipt{5}; });

    CHECK(handle([] { return perform(find_price{"x"}) + perform(charge_card{"a", 1}).cents; }, both) == 9);
}

TEST_CASE("a mock inside a body that is captured answers before and after", "[test][nesting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(1, 2);
    auto body = [&] {
        return handle(
            [] {
                int first = perform(find_price{"x"});
                perform(log_line{"suspends"});
                return 10 * first + perform(find_price{"x"});
            },
            world);
    };

    int answer =
        handle(body, effects::control<log_line>([](log_line const&, auto k) { return std::move(k).resume() + 100; }));

    CHECK(answer == 112);
}

TEST_CASE("an operation that nobody handles is told by the innermost mock only", "[test][nesting]") {
    test::mock inner, outer;

    CHECK_THROWS_AS(handle([] { perform(find_price{"x"}); }, inner, outer), effects::unhandled_operation);
    CHECK(verified(inner) != "");
    CHECK(verified(outer) == "");
}

namespace {

template <int N>
struct ping {
    using result_type = int;
    bool operator==(ping const&) const = default;
    static int default_answer(ping const&) { return -1; }
};

} // namespace

TEST_CASE("an operation that a mock learns in mid-test is answered by it in all tasks", "[test][mock][lookup]") {
    namespace async = effects::async;
    std::vector<int> got;
    test::mock world;
    test::run(
        [&] {
            async::task_group([&](async::group& g) {
                async::event learned;
                auto ask = [&] {
                    got.push_back(perform(ping<1>{}));
                    got.push_back(perform(ping<2>{}));
                };
                auto t = g.spawn([&] {
                    handle(
                        [&] {
                            ask();
                            learned.wait();
                            ask();
                        },
                        [](sealed const&) { return 1; });
                });
                world.on(ping<1>{}).reply(1);
                world.on(ping<2>{}).reply(2);
                learned.set();
                t.get();
            });
        },
        world, [](ping<2> const&) { return 0; });

    CHECK(got == std::vector<int>{-1, 0, 1, 2});
}

TEST_CASE("an operation that a mock learns in mid-test no longer reaches a handler further out",
          "[test][mock][lookup]") {
    test::mock world;
    std::vector<int> got;
    handle(
        [&] {
            handle(
                [&] {
                    handle(
                        [&] {
                            got.push_back(perform(ping<1>{}));
                            world.on(ping<1>{}).reply(1);
                            got.push_back(perform(ping<1>{}));
                        },
                        [](sealed const&) { return 1; });
                },
                world);
        },
        [](ping<1> const&) { return 0; });

    CHECK(got == std::vector<int>{0, 1});
}
