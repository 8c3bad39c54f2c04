// SPDX-License-Identifier: BSL-1.0
#include <effects/live.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <effects/async/detail/scheduler.hpp>
#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>
#include <effects/handle.hpp>
#include <effects/os/clock.hpp>
#include <effects/os/env.hpp>
#include <effects/os/files.hpp>
#include <effects/os/random.hpp>

using effects::perform;
namespace async = effects::async;
namespace live = effects::live;
namespace os = effects::os;
using namespace std::chrono_literals;

namespace {

struct ask {
    using result_type = int;
};

// Calls back in the running task's loop, from wherever.
auto poster() {
    return [home = async::detail::current_task().home](std::function<void()> f) { home->post(std::move(f)); };
}

} // namespace

TEST_CASE("live::run gives what its body returns", "[live][run]") {
    CHECK(live::run([] { return 7; }) == 7);

    auto moved = live::run([] { return std::make_unique<std::string>("only moves"); });
    CHECK(*moved == "only moves");

    int here = 1;
    int& same = live::run([&]() -> int& { return here; });
    CHECK(&same == &here);

    bool ran = false;
    live::run([&] { ran = true; });
    CHECK(ran);
}

TEST_CASE("live::run throws what its body throws", "[live][run]") {
    CHECK_THROWS_WITH(live::run([] { throw std::runtime_error("from the body"); }), "from the body");
    CHECK_THROWS_WITH(live::run([]() -> int {
                          async::yield();
                          throw std::runtime_error("after a suspension");
                      }),
                      "after a suspension");
}

TEST_CASE("an exception that leaves live::run has cancelled and joined the body's tasks", "[live][run]") {
    bool unwound = false;
    CHECK_THROWS_WITH(live::run([&] {
                          async::task_group([&](async::group& g) {
                              g.spawn([&] {
                                  struct note {
                                      bool& b;
                                      ~note() { b = true; }
                                  } const at_the_end{unwound};
                                  async::event never;
                                  never.wait();
                              });
                              throw std::runtime_error("body");
                          });
                      }),
                      "body");
    CHECK(unwound);
}

TEST_CASE("handlers given to live::run answer the body and its tasks", "[live][run]") {
    int const got = live::run(
        [] {
            return async::task_group([](async::group& g) {
                auto t = g.spawn([] {
                    async::yield();
                    return perform(ask{});
                });
                return t.get() + perform(ask{});
            });
        },
        [](ask const&) { return 21; });
    CHECK(got == 42);
}

TEST_CASE("handlers inside the body of live::run come before those of the run", "[live][run]") {
    auto const outer = [](ask const&) { return 1; };
    int const got = live::run(
        [] {
            return effects::handle(
                [] {
                    async::yield();
                    return perform(ask{});
                },
                [](ask const&) { return perform(ask{}) + 10; });
        },
        outer);
    CHECK(got == 11);
}

TEST_CASE("an operation that nobody answers is named out of live::run", "[live][run]") {
    CHECK_THROWS_WITH(live::run([] { perform(ask{}); }), Catch::Matchers::Contains("ask"));
}

TEST_CASE("live::run answers the services of the system without being told", "[live][run]") {
    live::run([] {
        auto const before = std::chrono::system_clock::now();
        CHECK(os::system_now() >= before - 1s);
        auto const steady_before = std::chrono::steady_clock::now();
        auto const steady = os::steady_now();
        CHECK(steady >= steady_before);
        CHECK(steady <= std::chrono::steady_clock::now());
        CHECK(os::random_bits() != os::random_bits());
        CHECK(os::variable("PATH").has_value());
        CHECK(os::exists("/"));
        CHECK_FALSE(os::exists("/no such file at all"));
    });
}

TEST_CASE("a handler given to live::run comes before the machine's", "[live][run]") {
    live::run(
        [] {
            CHECK(os::system_now() == os::system_time{});
            CHECK(os::random_bits() != 0); // the others stay
        },
        os::manual_clock{});
}

TEST_CASE("a handler's start and stop run inside the live world", "[live][run]") {
    struct service {
        using operations = effects::operations<ask>;
        std::string& log;
        int operator()(ask const&) { return 5; }
        void start(async::group& g) {
            log += "start ";
            g.spawn([this] {
                async::yield();
                log += "task ";
                async::event never;
                never.wait();
            });
        }
        void stop() {
            async::yield();
            log += "stop";
        }
    };
    std::string log;
    int const got = live::run(
        [&] {
            async::yield();
            async::yield();
            log += "body ";
            return perform(ask{});
        },
        service{log});
    CHECK(got == 5);
    CHECK(log == "start task body stop");
}

TEST_CASE("live::run runs ready tasks first in, first out", "[live][run]") {
    std::string order;
    live::run([&] {
        async::task_group([&](async::group& g) {
            for (char c : {'a', 'b', 'c'})
                g.spawn([&order, c] {
                    for (int i = 0; i < 3; ++i) {
                        order += c;
                        async::yield();
                    }
                });
        });
    });
    CHECK(order == "abcabcabc");
}

TEST_CASE("timers of the live world fire in the order of their instants", "[live][run][timer]") {
    std::string order;
    live::run([&] {
        auto const begin = async::now();
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                async::sleep_until(begin + 300us);
                order += 'c';
            });
            g.spawn([&] {
                async::sleep_until(begin + 100us);
                order += 'a';
            });
            g.spawn([&] {
                async::sleep_until(begin + 200us);
                order += 'b';
            });
        });
        CHECK(async::now() >= begin + 300us);
    });
    CHECK(order == "abc");
}

TEST_CASE("a task that never waits for long cannot keep timers from firing", "[live][run][timer]") {
    live::run([&] {
        async::task_group([&](async::group& g) {
            bool fired = false;
            g.spawn([&] {
                async::sleep_for(200us);
                fired = true;
            });
            while (!fired) async::yield(); // for ever, if the loop looked only when nothing is ready
        });
    });
    SUCCEED();
}

TEST_CASE("a timeout in the live world ends what it surrounds and says how long that took", "[live][run][timer]") {
    live::run([&] {
        try {
            async::timeout(300us, "waiting in vain", [] {
                async::event never;
                never.wait();
            });
            FAIL("it must not return");
        } catch (async::timed_out const& e) {
            CHECK(e.limit() == 300us);
            CHECK(e.elapsed() >= 300us);
            CHECK(std::string(e.what()).find("waiting in vain") != std::string::npos);
        }
    });
}

TEST_CASE("the live world's time does not lag behind a task that computed for long", "[live][run][timer]") {
    live::run([&] {
        async::yield();
        auto const real = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() < real + 500us) {
        } // computes
        CHECK(async::now() >= real + 500us);
    });
}

TEST_CASE("live::run can run again, and in another live::run's place", "[live][run]") {
    for (int i = 0; i < 3; ++i)
        CHECK(live::run([i] {
                  async::yield();
                  return i;
              }) == i);
}

TEST_CASE("a function posted by another thread wakes an idle loop", "[live][run][threads]") {
    live::run([] {
        async::event arrived;
        std::thread other([post = poster(), &arrived] { post([&arrived] { arrived.set(); }); });
        arrived.wait();
        other.join();
    });
    SUCCEED();
}

TEST_CASE("functions posted by several threads all run, in the loop's thread", "[live][run][threads]") {
    constexpr int threads = 4;
    constexpr int each = 500;
    int ran = 0; // the loop's alone
    int strangers = 0;
    live::run([&] {
        async::event all;
        std::vector<std::thread> others;
        auto const mine = std::this_thread::get_id();
        for (int t = 0; t < threads; ++t)
            others.emplace_back([&, post = poster()] {
                for (int i = 0; i < each; ++i)
                    post([&] {
                        if (std::this_thread::get_id() != mine) ++strangers;
                        if (++ran == threads * each) all.set();
                    });
            });
        all.wait();
        for (auto& t : others) t.join();
    });
    CHECK(ran == threads * each);
    CHECK(strangers == 0);
}

TEST_CASE("live worlds on several threads do not know of each other", "[live][run][threads]") {
    std::vector<std::thread> threads;
    std::atomic<int> sum = 0;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&sum, t] {
            sum += live::run(
                [] {
                    return async::task_group([](async::group& g) {
                        int total = 0;
                        std::vector<async::task<int>> tasks;
                        for (int i = 0; i < 50; ++i)
                            tasks.push_back(g.spawn([] {
                                async::yield();
                                return perform(ask{});
                            }));
                        for (auto& task : tasks) total += task.get();
                        return total;
                    });
                },
                [t](ask const&) { return t; });
        });
    for (auto& t : threads) t.join();
    CHECK(sum == 50 * (0 + 1 + 2 + 3));
}

TEST_CASE("thousands of tasks wait at once in a live world and all end", "[live][run]") {
    int ended = 0;
    live::run([&] {
        async::event go;
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 4'000; ++i)
                g.spawn([&] {
                    go.wait();
                    ++ended;
                });
            go.set();
        });
    });
    CHECK(ended == 4'000);
}

TEST_CASE("run gives what `returns` makes of the body's value, of another type too", "[live][run]") {
    std::string text = live::run([] { return 1; }, effects::returns([](int i) { return std::to_string(i); }));
    CHECK(text == "1");
    CHECK(live::run(
              {.handle_signals = false}, [] {}, effects::returns([] { return 5; })) == 5);
}
