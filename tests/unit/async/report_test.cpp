// SPDX-License-Identifier: BSL-1.0
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <effects/async.hpp>
#include <effects/async/detail/world.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>

#include "../core/child.hpp"

namespace async = effects::async;
namespace sim = effects::sim;
using namespace std::chrono_literals;

namespace {

struct ask {
    using result_type = int;
};

} // namespace

TEST_CASE("what needs a world says so outside of one", "[async]") {
    CHECK_THROWS_WITH(async::sleep_for(1s),
                      Catch::Contains("no task is running on this thread") && Catch::Contains("sim::run"));
    CHECK_THROWS_AS(async::task_group([](async::group&) {}), std::logic_error);
    CHECK_THROWS_AS(async::timeout(1s, [] {}), std::logic_error);
    CHECK_THROWS_AS(async::all([] {}), std::logic_error);
    CHECK_THROWS_AS(async::event().wait(), std::logic_error);
    CHECK(async::blocking([] { return 1; }) == 1);
}

TEST_CASE("what need not wait works outside of a world", "[async]") {
    async::channel<int> c(1);
    c.send(1);
    CHECK(c.receive() == 1);
    async::semaphore s(1);
    CHECK(s.acquire());
    async::mutex m;
    CHECK(m.lock());
    async::event e;
    e.set();
    e.wait();
    async::promise<int> p;
    p.set_value(1);
    CHECK(p.get() == 1);
}

TEST_CASE("the report lists tasks in the order of their making, with what they wait for", "[async][report]") {
    sim::run([] {
        async::event never_set;
        async::channel<int> empty;
        async::semaphore none(1);
        async::mutex locked;
        std::string report;
        async::task_group([&](async::group& g) {
            auto permit = none.acquire();
            auto held = locked.lock();
            g.spawn({.name = "waiting"}, [&] { never_set.wait(); });
            g.spawn([&] { (void)empty.receive(); });
            g.spawn([&] { auto p = none.acquire(); });
            g.spawn([&] { auto h = locked.lock(); });
            g.spawn([&] { async::sleep_for(1h); });
            g.spawn([&] { async::yield(); });
            report = async::detail::describe_tasks(*async::detail::current_task().home);
            g.cancel();
            report += async::detail::describe_tasks(*async::detail::current_task().home).substr(0, 60);
        });
        report = std::regex_replace(report, std::regex(R"( \(spawned at [^)]*report_test.cpp:[0-9]+\))"), " @");
        CHECK(report.find("\n    main runs"
                          "\n    main/waiting waits in event::wait @"
                          "\n    main/2 waits in channel::receive @"
                          "\n    main/3 waits in semaphore::acquire, held by main @"
                          "\n    main/4 waits in mutex::lock, held by main @"
                          "\n    main/5 waits in sleep for a time @"
                          "\n    main/6 is ready @"
                          "\n    main runs, cancelled (requested)") == 0);
    });
}

TEST_CASE("a primitive that is destroyed while a task waits in it is not touched again", "[async]") {
    sim::run([] {
        auto e = std::make_unique<async::event>();
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] { e->wait(); });
            e.reset();
            t.cancel();
        });
    });
}

TEST_CASE("a group in a clause outside of the world is refused, with the operation that has no handler",
          "[async][group]") {
    effects::handle(
        [] {
            sim::run([] {
                CHECK_THROWS_AS(effects::perform(ask{}), effects::unhandled_operation);
                async::sleep_for(1s);
            });
        },
        [](ask const&) {
            async::task_group([](async::group& g) { g.spawn([] {}); });
            return 1;
        });
}

TEST_CASE("a task group in a body that is being unwound is refused", "[async][group][unwinding]") {
    sim::run([] {
        bool refused = false;
        effects::handle(
            [&] {
                try {
                    effects::perform(ask{});
                } catch (...) { // swallows the unwinding
                    refused = true;
                    async::task_group([](async::group& g) { g.spawn([] { async::sleep_for(1s); }); });
                    FAIL("not reached");
                }
                return 0;
            },
            effects::control<ask>([](ask, auto k) {
                k = {};
                return 1;
            }));
        CHECK(refused);
        async::sleep_for(2s);
    });
}

TEST_CASE("a resumption with open timeouts may be resumed, and dropped, after its world has ended",
          "[async][handlers][timeout]") {
    effects::resumption<ask, int> kept, dropped;
    auto keep = [](effects::resumption<ask, int>& into) {
        sim::run([&] {
            effects::handle(
                [] { return async::timeout(1s, [] { return async::shield([] { return effects::perform(ask{}); }); }); },
                effects::control<ask>([&](ask, effects::resumption<ask, int> k) {
                    into = std::move(k);
                    return 0;
                }));
        });
    };
    keep(kept);
    keep(dropped);
    CHECK(std::move(kept).resume(7) == 7);
    dropped = {};
}

TEST_CASE("a resumption with open timeouts may be forgotten", "[async][handlers][timeout]") {
    sim::run([] {
        async::timeout(1h, [] {
            effects::handle([] { return async::timeout(1s, [] { return effects::perform(ask{}); }); },
                            effects::control<ask>([&](ask, effects::resumption<ask, int> k) {
                                std::move(k).forget();
                                return 0;
                            }));
            async::sleep_for(2s);
            CHECK(async::deadline() == async::now() + 1h - 2s);
        });
    });
}

TEST_CASE("the handlers that a world starts are stopped when the body was cancelled or threw", "[async][world]") {
    struct service {
        using operations = effects::operations<ask>;
        std::string& log;
        int operator()(ask const&) { return 1; }
        void start(async::group& g) {
            log += "start ";
            g.spawn([this] {
                try {
                    async::sleep_for(24h);
                } catch (async::cancelled const&) {
                    log += "daemon-ends ";
                    throw;
                }
            });
        }
        void stop() {
            async::sleep_for(1s);
            log += "stop ";
        }
    };
    std::string log;
    service s{log};

    CHECK(sim::run([] { return effects::perform(ask{}); }, s) == 1);
    CHECK(log == "start stop daemon-ends ");

    log.clear();
    CHECK_THROWS_AS(sim::run([] { throw 1; }, s), int);
    CHECK(log == "start stop daemon-ends ");
}

TEST_CASE("a body that ends in good order after its world was told to shut down gives its value",
          "[async][world][cancel]") {
    struct service {
        using operations = effects::operations<ask>;
        int operator()(ask const&) { return 1; }
        void start(async::group& g) {
            g.spawn([] { async::sleep_for(24h); });
        }
    };
    int value = sim::run(
        [] {
            try {
                async::task_group([](async::group& g) {
                    g.spawn([] {
                        async::sleep_for(1s);
                        auto* main = async::detail::current_task().home->first_task();
                        while (main->next_task) main = main->next_task;
                        main->whole.cancel(async::reason::shutdown);
                    });
                    async::sleep_for(1h);
                });
            } catch (async::cancelled const& c) {
                CHECK(c.why() == async::reason::shutdown);
                async::shield([] { async::sleep_for(5s); });
                return 3;
            }
            return 0;
        },
        service{});
    CHECK(value == 3);
}

TEST_CASE("a deadlock and a broken task are told apart: who waits is named", "[async][report]") {
    try {
        sim::run([] {
            async::channel<int> c;
            async::task_group([&](async::group& g) { g.spawn({.name = "reader"}, [&] { (void)c.receive(); }); });
        });
        FAIL("no exception");
    } catch (sim::deadlock const& e) {
        CHECK(std::string(e.what()).find("main/reader waits in channel::receive") != std::string::npos);
    }
}

TEST_CASE("a destructor that suspends in a cancelled task ends the program, and says what to do", "[async][cancel]") {
    struct sleeps_at_the_end {
        ~sleeps_at_the_end() { async::sleep_for(std::chrono::seconds(1)); }
    };
    for (bool unwinding : {true, false}) {
        auto ended = core_test::in_child([&] {
            sim::run([&] {
                async::task_group([&](async::group& g) {
                    auto t = g.spawn({.name = "worker"}, [&] {
                        sleeps_at_the_end here;
                        try {
                            async::sleep_for(std::chrono::seconds(5));
                        } catch (async::cancelled const&) {
                            if (unwinding) throw;
                        }
                    });
                    t.cancel();
                });
            });
        });
        CHECK_FALSE(ended.exited);
        CHECK_THAT(ended.errors, Catch::Contains("task main/worker was cancelled (requested)") &&
                                     Catch::Contains("sleep in a destructor") && Catch::Contains("async::shield"));
    }
}

TEST_CASE("a destructor may suspend in a task that is not cancelled, and in a shield", "[async][cancel]") {
    struct suspends_at_the_end {
        bool shielded;
        ~suspends_at_the_end() {
            if (shielded)
                async::shield([] { async::sleep_for(std::chrono::seconds(1)); });
            else
                try {
                    async::sleep_for(std::chrono::seconds(1));
                } catch (async::cancelled const&) {
                }
        }
    };
    auto ended = core_test::in_child([&] {
        sim::run([&] {
            async::task_group([&](async::group& g) {
                for (bool shielded : {true, false})
                    g.spawn([shielded] {
                         suspends_at_the_end here{shielded};
                         async::sleep_for(std::chrono::seconds(5));
                     }).cancel();
            });
            try {
                suspends_at_the_end here{false};
                throw 1;
            } catch (int) {
            }
        });
    });
    CHECK(ended.exited);
    CHECK(ended.code == 0);
    CHECK(ended.errors.empty());
}
