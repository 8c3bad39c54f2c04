// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <stdexcept>

#include <effects/async/cancelled.hpp>
#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/time.hpp>
#include <effects/async/timeout.hpp>

#include "shop.hpp"

namespace async = effects::async;
namespace test = effects::test;
using effects::perform;
using namespace shop;
using namespace std::literals;

namespace {

template <class F>
async::duration time_of(F&& f) {
    auto begin = async::now();
    f();
    return async::now() - begin;
}

} // namespace

TEST_CASE("a reply after a time comes then, in the world's time", "[test][waiting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(7).after(3s);

    auto took = test::run([] { return time_of([] { CHECK(perform(find_price{"x"}) == 7); }); }, world);

    CHECK(took == 3s);
}

TEST_CASE("after delays the reply before it only", "[test][waiting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(1).after(2s).reply(2).fail(std::runtime_error("late")).after(1min);

    test::run(
        [] {
            CHECK(time_of([] { CHECK(perform(find_price{"x"}) == 1); }) == 2s);
            CHECK(time_of([] { CHECK(perform(find_price{"x"}) == 2); }) == 0s);
            CHECK(time_of([] { CHECK_THROWS_AS(perform(find_price{"x"}), std::runtime_error); }) == 1min);
        },
        world);
}

TEST_CASE("after before any reply delays each that follows", "[test][waiting]") {
    test::mock world;
    world.on(test::matching<find_price>()).after(2s).reply(1, 2);

    test::run(
        [] {
            for (int i = 1; i <= 2; ++i) CHECK(time_of([&] { CHECK(perform(find_price{"x"}) == i); }) == 2s);
        },
        world);
}

TEST_CASE("an operation without a result can be answered late, too", "[test][waiting]") {
    test::mock world;
    world.on(log_line{"x"}).reply().after(5s);

    CHECK(test::run([] { return time_of([] { perform(log_line{"x"}); }); }, world) == 5s);
}

TEST_CASE("after without any reply delays an operation without a result", "[test][waiting]") {
    test::mock world;
    world.on(log_line{"x"}).after(5s);

    CHECK(test::run([] { return time_of([] { perform(log_line{"x"}); }); }, world) == 5s);
}

TEST_CASE("operations that wait for their replies wait at the same time", "[test][waiting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(7).after(3s);

    auto took = test::run(
        [] {
            return time_of([] {
                async::task_group([](async::group& g) {
                    for (int i = 0; i < 10; ++i) g.spawn([] { perform(find_price{"x"}); });
                });
            });
        },
        world);

    CHECK(took == 3s);
    CHECK(world.calls<find_price>().size() == 10);
}

TEST_CASE("an operation that hangs ends when it is cancelled", "[test][waiting]") {
    test::mock world;
    world.expect(test::matching<find_price>()).hang();

    auto took = test::run(
        [] {
            return time_of([] {
                CHECK_THROWS_AS(async::timeout(800ms, [] { return perform(find_price{"x"}); }), async::timed_out);
            });
        },
        world);

    CHECK(took == 800ms);
}

TEST_CASE("an operation that hangs with nobody to cancel it is a deadlock that says so", "[test][waiting]") {
    test::mock world;
    auto here = std::source_location::current();
    world.expect(test::matching<find_price>(), here).hang();

    CHECK_THAT(thrown_by<std::exception>([&] { test::run([] { return perform(find_price{"x"}); }, world); }),
               Catch::Contains("main waits in a mocked shop::find_price that hangs, expected at " + place(here)));
}

TEST_CASE("a slow reply is given up when the task is cancelled", "[test][waiting]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(7).after(1h);

    CHECK_THROWS_AS(test::run([] { return async::timeout(1s, [] { return perform(find_price{"x"}); }); }, world),
                    async::timed_out);
}

TEST_CASE("an operation that is held waits until the test lets it go", "[test][waiting]") {
    test::mock world;
    auto price = world.expect(test::matching<find_price>()).reply(7).hold();
    std::string order;

    test::run(
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    order += "performs ";
                    CHECK(perform(find_price{"x"}) == 7);
                    order += "answered";
                });
                price.wait();
                order += "held ";
                async::sleep_for(1h);
                order += "released ";
                price.release();
            });
        },
        world);

    CHECK(order == "performs held released answered");
}

TEST_CASE("the test may give the reply when it lets an operation go", "[test][waiting]") {
    test::mock world;
    auto price = world.expect(test::matching<find_price>()).hold();

    int got = test::run(
        [&] {
            int answer = 0;
            async::task_group([&](async::group& g) {
                g.spawn([&] { answer = perform(find_price{"x", 6}); });
                price.wait();
                price.reply([](find_price const& op) { return op.amount * 7; });
            });
            return answer;
        },
        world);

    CHECK(got == 42);
}

TEST_CASE("a held operation can be made to fail", "[test][waiting]") {
    test::mock world;
    auto line = world.expect(log_line{"x"}).hold();

    test::run(
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn([] { CHECK_THROWS_AS(perform(log_line{"x"}), std::runtime_error); });
                line.wait();
                line.fail(std::runtime_error("torn down"));
            });
        },
        world);
}

TEST_CASE("a held operation without a result needs no reply", "[test][waiting]") {
    test::mock world;
    auto line = world.expect(log_line{"x"}).hold();
    bool done = false;

    test::run(
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    perform(log_line{"x"});
                    done = true;
                });
                CHECK(line.arrived());
                CHECK_FALSE(done);
                line.release();
            });
        },
        world);

    CHECK(done);
}

TEST_CASE("waiting for a held operation waits until it is performed", "[test][waiting]") {
    test::mock world;
    auto line = world.expect(log_line{"x"}).hold();

    auto waited = test::run(
        [&] {
            async::duration before{};
            async::task_group([&](async::group& g) {
                g.spawn([] {
                    async::sleep_for(5s);
                    perform(log_line{"x"});
                });
                CHECK_FALSE(line.arrived());
                before = time_of([&] { line.wait(); });
                line.release();
            });
            return before;
        },
        world);

    CHECK(waited == 5s);
}

TEST_CASE("letting an operation go without a reply where it needs one is refused", "[test][waiting]") {
    test::mock world;
    auto price = world.on(test::matching<find_price>()).hold();

    CHECK_THROWS_AS(price.release(), std::logic_error);
}

TEST_CASE("an operation may be let go before it comes", "[test][waiting]") {
    test::mock world;
    auto price = world.on(test::matching<find_price>()).reply(7).hold();
    price.release();

    CHECK(test::run([] { return perform(find_price{"x"}); }, world) == 7);
}

TEST_CASE("a held operation that nobody lets go is a deadlock", "[test][waiting]") {
    test::mock world;
    auto price = world.on(test::matching<find_price>()).reply(7).hold();

    CHECK_THAT(thrown_by<std::exception>([&] { test::run([] { return perform(find_price{"x"}); }, world); }),
               Catch::Contains("main waits in a mocked shop::find_price that is held, stubbed at "));
    CHECK(price.arrived());
}
