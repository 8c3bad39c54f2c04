// SPDX-License-Identifier: BSL-1.0
#include <effects/async/must_not_suspend.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>

using namespace std::chrono_literals;
using Catch::Contains;
namespace async = effects::async;
namespace sim = effects::sim;

namespace {

struct ask {
    using result_type = int;
};

} // namespace

TEST_CASE("a task that would wait while it has a thread_lock is refused, and has unlocked it then",
          "[async][must_not_suspend]") {
    std::mutex cache;
    std::string refusal;
    bool locked_meanwhile = true;
    sim::run([&] {
        async::task_group([&](async::group& g) {
            g.spawn({.name = "writer"}, [&] {
                try {
                    async::thread_lock const lock(cache);
                    locked_meanwhile = !cache.try_lock();
                    async::sleep_for(1s);
                } catch (std::logic_error const& e) {
                    refusal = e.what();
                }
                async::sleep_for(1s); // it may again
            });
        });
    });

    CHECK_THAT(refusal, Contains("task main/writer would wait in sleep while it holds a lock of its thread (since ") &&
                            Contains("must_not_suspend_test.cpp:"));
    CHECK(locked_meanwhile);
    CHECK(cache.try_lock());
    cache.unlock();
}

TEST_CASE("all that waits is refused under must_not_suspend, and what need not wait goes on",
          "[async][must_not_suspend]") {
    sim::run([] {
        async::event set, unset;
        set.set();
        async::channel<int> items(1);
        async::mutex free, taken;
        auto const held = taken.lock();
        {
            async::must_not_suspend const here("a reference to a thread_local");
            set.wait();
            items.send(1);
            CHECK(items.receive() == 1);
            CHECK(free.lock());

            CHECK_THROWS_WITH(unset.wait(), Contains("a reference to a thread_local"));
            CHECK_THROWS_AS(items.receive(), std::logic_error);
            CHECK_THROWS_WITH(async::blocking([] { return 5; }), Contains("would wait in async::blocking"));
            CHECK_THROWS_AS(async::yield(), std::logic_error);
            CHECK_THROWS_AS(async::timeout(1s, [&] { unset.wait(); }), std::logic_error);
            CHECK_THROWS_WITH(async::all([] { return 1; }, [] { return 2; }), Contains("would wait in task_group"));
        }
        async::all([] {}, [] { async::yield(); });
        unset.set();
        unset.wait();
    });
}

TEST_CASE("must_not_suspend is its task's alone, and nests", "[async][must_not_suspend]") {
    sim::run([] {
        async::task_group([](async::group& g) {
            async::must_not_suspend const outer("outer");
            {
                async::must_not_suspend const inner("inner");
                CHECK_THROWS_WITH(async::yield(), Contains("inner"));
                g.spawn([] { async::yield(); }); // another task's waits are its own
            }
            CHECK_THROWS_WITH(async::yield(), Contains("outer"));
        });
    });
}

TEST_CASE("must_not_suspend does nothing outside of any task", "[async][must_not_suspend]") {
    std::mutex m;
    async::thread_lock const lock(m);
    async::must_not_suspend const here;
    int answer = effects::handle([] { return effects::perform(ask{}); },
                                 effects::control<ask>([](ask, auto k) { return std::move(k).resume(3); }));
    CHECK(answer == 3);
}

TEST_CASE("what must not suspend can't be captured from outside, and handles its own inside",
          "[async][must_not_suspend]") {
    sim::run([] {
        auto answers = effects::control<ask>([](ask, auto k) { return std::move(k).resume(3); });
        effects::handle(
            [] {
                async::must_not_suspend const here;
                CHECK_THROWS_AS(effects::perform(ask{}), effects::capture_across_task);
                return 0;
            },
            answers);
        async::must_not_suspend const here;
        CHECK(effects::handle([] { return effects::perform(ask{}); }, answers) == 3);
    });
}

TEST_CASE("debug mode reports a wait under must_not_suspend, also one that can't be refused",
          "[async][must_not_suspend][debug]") {
    std::vector<async::debug_report> found;
    sim::run({.debug = true, .debugging = {.report = [&](auto const& r) { found.push_back(r); }}}, [] {
        std::optional<async::must_not_suspend> outlives_the_body;
        async::task_group([&](async::group& g) {
            g.spawn([] { async::sleep_for(1s); });
            outlives_the_body.emplace("a lock");
            CHECK_THROWS_AS(async::sleep_for(1s), std::logic_error);
        });
    });

    REQUIRE(found.size() == 2);
    CHECK(found[0].finding == async::debug_finding::lock_over_suspension);
    CHECK_THAT(found[0].details, Contains("waits in sleep while it holds a lock (since "));
    CHECK_THAT(found[1].details, Contains("waits in task_group while it holds a lock (since "));
}
