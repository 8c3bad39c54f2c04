// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>

using namespace std::chrono_literals;
using effects::perform;
namespace async = effects::async;
namespace sim = effects::sim;

namespace {

struct ask {
    using result_type = int;
};

std::string message_of(auto&& f) {
    try {
        f();
    } catch (std::exception const& e) {
        return e.what();
    }
    return "nothing was thrown";
}

// Which of three tasks that are ready at once goes first, second, third.
std::string order_under(std::uint64_t seed) {
    std::string order;
    sim::run({.seed = seed}, [&] {
        async::task_group([&](async::group& g) {
            for (char who : {'a', 'b', 'c'})
                g.spawn([&order, who] {
                    async::yield();
                    order += who;
                    async::yield();
                    order += who;
                });
        });
    });
    return order;
}

} // namespace

TEST_CASE("a simulated run gives what its body returns", "[sim]") {
    CHECK(sim::run([] { return 42; }) == 42);
}

TEST_CASE("a simulated run throws what its body throws", "[sim]") {
    CHECK_THROWS_AS(sim::run([] { throw std::out_of_range("x"); }), std::out_of_range);
}

TEST_CASE("handlers given to a simulated run are in force in it, innermost first", "[sim]") {
    int answer = sim::run([] { return perform(ask{}); }, [](ask const&) { return perform(ask{}) + 1; },
                          [](ask const&) { return 10; });

    CHECK(answer == 11);
}

TEST_CASE("handlers around a simulated run are in force in its tasks", "[sim]") {
    int answer = effects::handle(
        [] {
            return sim::run([] {
                int got = 0;
                async::task_group([&](async::group& g) { g.spawn([&] { got = perform(ask{}); }); });
                return got;
            });
        },
        [](ask const&) { return 7; });

    CHECK(answer == 7);
}

TEST_CASE("virtual time jumps to the next timer and stands still in between", "[sim][time]") {
    sim::run([] {
        auto begun = async::now();
        for (int i = 0; i < 1000; ++i) async::yield();
        CHECK(async::now() == begun);

        async::sleep_for(24h * 365);
        CHECK(async::now() - begun == 24h * 365);
    });
}

TEST_CASE("timers fire in the order of their instants, equal ones in the order in which they were set", "[sim][time]") {
    std::string order;
    sim::run([&] {
        async::task_group([&](async::group& g) {
            auto at = [&](auto when, char who) {
                g.spawn([&order, when, who] {
                    async::sleep_for(when);
                    order += who;
                });
            };
            at(3s, 'c');
            at(1s, 'a');
            at(2s, 'b');
        });
    });

    CHECK(order == "abc");
}

TEST_CASE("a hundred thousand timers over a hundred hours take no real time", "[sim][time]") {
    constexpr int timers = 100'000;
    int fired = 0;
    sim::run([&] {
        auto begun = async::now();
        async::task_group([&](async::group& g) {
            for (int i = 0; i < timers; ++i)
                g.spawn([&fired, i] {
                    async::sleep_for(std::chrono::milliseconds(36L * ((i * 7919L) % 100'000 + 1) * 100));
                    ++fired;
                });
        });
        CHECK(async::now() - begun == std::chrono::milliseconds(36L * timers * 100));
    });

    CHECK(fired == timers);
}

TEST_CASE("the same seed gives the same order, other seeds give others", "[sim][seed]") {
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        CHECK(order_under(seed) == order_under(seed));
        orders.insert(order_under(seed));
    }
    CHECK(orders.size() > 5);
}

TEST_CASE("a deadlock names every task and what it waits for", "[sim][deadlock]") {
    auto text = message_of([] {
        sim::run([] {
            async::event never_set;
            async::task_group([&](async::group& g) {
                g.spawn({.name = "reader"}, [&] { never_set.wait(); });
                g.spawn([&] { never_set.wait(); });
            });
        });
    });

    CHECK_THAT(text, Catch::Contains("main/reader waits in event::wait"));
    CHECK_THAT(text, Catch::Contains("main/2 waits in event::wait"));
    CHECK_THAT(text, Catch::Contains("main waits in task_group"));
}

TEST_CASE("a deadlock unwinds every task before it is thrown", "[sim][deadlock]") {
    int unwound = 0;
    struct guard {
        int& n;
        ~guard() { ++n; }
    };
    CHECK_THROWS_AS(sim::run([&] {
                        async::event never_set;
                        async::task_group([&](async::group& g) {
                            for (int i = 0; i < 10; ++i)
                                g.spawn([&] {
                                    guard counted{unwound};
                                    never_set.wait();
                                });
                        });
                    }),
                    sim::deadlock);

    CHECK(unwound == 10);
}

TEST_CASE("a body that swallows the end of a deadlock does not hide it", "[sim][deadlock]") {
    CHECK_THROWS_AS(sim::run([] {
                        try {
                            async::event never_set;
                            never_set.wait();
                        } catch (...) {
                        }
                        return 3;
                    }),
                    sim::deadlock);
}

TEST_CASE("tasks that go on for ever without time passing are a livelock", "[sim][livelock]") {
    auto text = message_of([] {
        sim::run({.max_steps = 1000}, [] {
            for (;;) async::yield();
        });
    });

    CHECK_THAT(text, Catch::Contains("1000 steps"));
}

TEST_CASE("a timer that is no longer wanted does not make time pass", "[sim][time]") {
    sim::run([] {
        auto begun = async::now();
        async::timeout(1h, [] { async::sleep_for(1s); });
        async::sleep_for(2s);
        CHECK(async::now() - begun == 3s);
    });
}

TEST_CASE("blocking work runs in place in a simulated world", "[sim]") {
    auto here = std::this_thread::get_id();
    sim::run([&] { CHECK(async::blocking([] { return std::this_thread::get_id(); }) == here); });
}

TEST_CASE("handlers with start and stop run them inside the world, inner ones stopping first", "[sim][services]") {
    std::string log;
    struct service {
        using operations = effects::operations<ask>;
        std::string& log;
        char name;
        int operator()(ask const&) { return 1; }
        void start(async::group& g) {
            log += name;
            g.spawn([] { async::sleep_for(1h); }); // cancelled when the body has ended
        }
        void stop() {
            async::sleep_for(1s);
            log += static_cast<char>(name - 'a' + 'A');
        }
    };

    sim::run([&] { log += '-'; }, service{log, 'i'}, service{log, 'o'});

    CHECK(log == "oi-IO");
}

TEST_CASE("a handler is stopped when the body throws", "[sim][services]") {
    bool stopped = false;
    struct service {
        using operations = effects::operations<ask>;
        bool& stopped;
        int operator()(ask const&) { return 1; }
        void stop() { stopped = true; }
    };

    CHECK_THROWS_AS(sim::run([] { throw 1; }, service{stopped}), int);
    CHECK(stopped);
}

TEST_CASE("simulated worlds nest", "[sim]") {
    sim::run([] {
        async::sleep_for(1s);
        int inner = sim::run([] {
            async::sleep_for(5h);
            return 3;
        });
        CHECK(inner == 3);
        async::sleep_for(1s);
    });
}

TEST_CASE("run gives what `returns` makes of the body's value, of another type too", "[sim][run]") {
    std::string text = sim::run([] { return 1; }, effects::returns([](int i) { return std::to_string(i); }));
    CHECK(text == "1");
    CHECK(sim::run(
              {.seed = 3}, [] {}, effects::returns([] { return 5; })) == 5);

    int seen = 0;
    auto stack = effects::handlers([](ask const&) { return 4; }, effects::returns([&](int i) { seen = i; }));
    sim::run([] { return perform(ask{}); }, stack);
    CHECK(seen == 4);
}
