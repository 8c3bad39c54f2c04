// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;

namespace {

void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

effects::error refused() { return effects::error(std::make_error_code(std::errc::connection_refused), "refused"); }

} // namespace

EFFECTS_IN_BOTH_WORLDS("once runs once for all that ask, meanwhile and later, and gives the same object",
                       "[async][once]") {
    async::once<std::string> o;
    int runs = 0;
    auto load = [&] {
        ++runs;
        let_others_run();
        return std::string("loaded");
    };
    CHECK(o.find() == nullptr);
    std::vector<std::string const*> got;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 10; ++i) g.spawn([&] { got.push_back(&o.call(load)); });
        CHECK(o.find() == nullptr);
    });
    got.push_back(&o.call(load));
    CHECK(runs == 1);
    REQUIRE(got.size() == 11);
    REQUIRE(o.find());
    for (auto* s : got) CHECK(s == o.find());
    CHECK(*o.find() == "loaded");
}

EFFECTS_IN_BOTH_WORLDS("a once of nothing, and one of what cannot be copied", "[async][once]") {
    async::once<void> set_up;
    int runs = 0;
    set_up.call([&] { ++runs; });
    set_up.call([&] { return ++runs; });
    CHECK(runs == 1);
    CHECK(set_up.find());

    async::once<std::unique_ptr<int>> owned;
    CHECK(*owned.call([] { return std::make_unique<int>(4); }) == 4);
}

EFFECTS_IN_BOTH_WORLDS("a failure is shared by those who wait, and not remembered", "[async][once]") {
    async::once<int> o;
    int runs = 0;
    int failed = 0;
    auto fails = [&]() -> int {
        ++runs;
        let_others_run();
        throw refused();
    };
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 5; ++i)
            g.spawn([&] {
                try {
                    o.call(fails);
                } catch (effects::error const& e) {
                    CHECK(e.code() == std::errc::connection_refused);
                    ++failed;
                }
            });
    });
    CHECK(runs == 1);
    CHECK(failed == 5);
    CHECK(o.call([] { return 3; }) == 3);
    CHECK(o.call(fails) == 3);
}

EFFECTS_IN_BOTH_WORLDS("remember_failures throws the first failure for ever", "[async][once]") {
    async::once<int> o{{.remember_failures = true}};
    int runs = 0;
    for (int i = 0; i < 3; ++i)
        CHECK_THROWS_WITH(o.call([&]() -> int { throw std::runtime_error("run " + std::to_string(++runs)); }), "run 1");
    CHECK(runs == 1);
    CHECK(o.find() == nullptr);
}

EFFECTS_IN_BOTH_WORLDS("cancelling who runs hands the run to the first that waits, and fails nobody",
                       "[async][once][cancel]") {
    async::once<int> o;
    std::vector<std::string> runs;
    int got = 0;
    async::task_group([&](async::group& g) {
        auto call = [&](std::string who, async::duration wait) {
            got += o.call([&] {
                runs.push_back(who);
                async::sleep_for(wait);
                return 1;
            });
        };
        auto first = g.spawn(call, "first", 10h);
        g.spawn(call, "second", 1ms);
        g.spawn(call, "third", 1ms);
        let_others_run();
        CHECK(runs == std::vector<std::string>{"first"});
        first.cancel();
    });
    CHECK(runs == std::vector<std::string>{"first", "second"});
    CHECK(got == 2);
}

EFFECTS_IN_BOTH_WORLDS("the run goes on past cancelled waiters, and past one that is cancelled as it is its turn",
                       "[async][once][cancel]") {
    async::once<int> o;
    int runs = 0;
    std::optional<int> got;
    auto hangs = [&]() -> int {
        ++runs;
        async::event().wait();
        return 0;
    };
    async::task_group([&](async::group& g) {
        auto first = g.spawn([&] { o.call(hangs); });
        auto second = g.spawn([&] { o.call(hangs); });
        auto third = g.spawn([&] { o.call(hangs); });
        g.spawn([&] { got = o.call([] { return 4; }); });
        let_others_run();
        second.cancel();
        CHECK(runs == 1);
        first.cancel();
        first.wait();   // the third one has been told that it is its turn
        third.cancel(); // and hands it on
    });
    CHECK(runs <= 2);
    CHECK(got == 4);
}

EFFECTS_IN_BOTH_WORLDS("a run that is cancelled with nobody waiting is begun anew by the next call",
                       "[async][once][cancel]") {
    async::once<int> o;
    CHECK_FALSE(async::try_timeout(1ms, [&] {
        o.call([]() -> int {
            async::event().wait();
            return 0;
        });
    }));
    CHECK(o.call([] { return 5; }) == 5);
}

EFFECTS_IN_BOTH_WORLDS("cancelling who waits leaves the run as it is", "[async][once][cancel]") {
    async::once<int> o;
    async::task_group([&](async::group& g) {
        async::event go;
        auto runs = g.spawn([&] {
            return o.call([&] {
                go.wait();
                return 6;
            });
        });
        auto waits = g.spawn([&] { o.call([] { return 7; }); });
        let_others_run();
        waits.cancel();
        waits.wait();
        CHECK_FALSE(runs.done());
        go.set();
        CHECK(runs.get() == 6);
    });
}

EFFECTS_IN_BOTH_WORLDS("somebody's own cancellation is a failure of the run", "[async][once]") {
    async::once<int> o;
    bool thrown = false;
    try {
        o.call([]() -> int { throw async::cancelled(async::reason::requested); });
    } catch (async::cancelled const&) {
        thrown = true;
    }
    CHECK(thrown);
    CHECK(o.call([] { return 1; }) == 1);
}

EFFECTS_IN_BOTH_WORLDS("a run that calls its own once is told so, and fails", "[async][once]") {
    async::once<int> o;
    CHECK_THROWS_WITH(o.call([&]() -> int { return o.call([] { return 1; }) + 1; }),
                      Catch::Contains("main") && Catch::Contains("would wait for itself"));
    CHECK(o.call([] { return 2; }) == 2);
}

EFFECTS_IN_BOTH_WORLDS("a cancelled task gets no value, though there is one", "[async][once][cancel]") {
    async::once<int> o;
    o.call([] { return 1; });
    bool gave = false;
    async::task_group([&](async::group& g) {
        g.cancel();
        g.spawn([&] {
            o.call([] { return 1; });
            gave = true;
        });
    });
    CHECK_FALSE(gave);
}

EFFECTS_IN_BOTH_WORLDS("a body that is given up in the middle of a run hands it over", "[async][once]") {
    struct leave {
        using result_type = void;
    };
    async::once<int> o;
    std::optional<int> got;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            effects::handle(
                [&] {
                    o.call([]() -> int {
                        async::yield();
                        async::yield();
                        effects::perform(leave{});
                        return 1;
                    });
                },
                effects::aborts<leave>([](leave const&) {}));
        });
        g.spawn([&] { got = o.call([] { return 2; }); });
    });
    CHECK(got == 2);
}

TEST_CASE("once works outside of a world, where nothing waits", "[async][once]") {
    async::once<int> o;
    CHECK_THROWS_AS(o.call([]() -> int { throw 1; }), int);
    CHECK(o.call([] { return 1; }) == 1);
    CHECK(o.call([] { return 2; }) == 1);
}
