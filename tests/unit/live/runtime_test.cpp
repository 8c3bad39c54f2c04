// SPDX-License-Identifier: BSL-1.0
#include <effects/live/runtime.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <effects/async/blocking.hpp>
#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/live/shut_down.hpp>
#include <effects/perform.hpp>

using effects::perform;
namespace async = effects::async;
namespace live = effects::live;

namespace {

struct ask {
    using result_type = int;
};

struct counting {
    using operations = effects::operations<ask>;
    int next = 0; // the runtime's thread alone calls it
    int operator()(ask const&) { return ++next; }
};

} // namespace

TEST_CASE("a runtime answers what is submitted to it through a future", "[live][runtime][threads]") {
    live::runtime rt;
    CHECK(rt.submit([] { return 7; }).get() == 7);
    CHECK(*rt.submit([] { return std::make_unique<int>(8); }).get() == 8);
    bool ran = false;
    rt.submit([&] { ran = true; }).get();
    CHECK(ran);
    int here = 0;
    CHECK(&rt.submit([&]() -> int& { return here; }).get() == &here);
}

TEST_CASE("what is submitted runs as a task: it may suspend, spawn and block", "[live][runtime][threads]") {
    live::runtime rt;
    auto const mine = std::this_thread::get_id();
    int const got = rt.submit([mine] {
                          if (std::this_thread::get_id() == mine) return -1;
                          return async::task_group([](async::group& g) {
                              auto t = g.spawn([] {
                                  async::yield();
                                  return 2;
                              });
                              return t.get() + async::blocking([] { return 3; });
                          });
                      }).get();
    CHECK(got == 5);
}

TEST_CASE("an exception of a submitted function comes out of its future", "[live][runtime][threads]") {
    live::runtime rt;
    auto failed = rt.submit([]() -> int {
        async::yield();
        throw std::runtime_error("in the task");
    });
    CHECK_THROWS_WITH(failed.get(), "in the task");
    CHECK(rt.submit([] { return 1; }).get() == 1); // the others do not suffer
}

TEST_CASE("a runtime's handlers answer what is submitted", "[live][runtime][threads]") {
    live::runtime kept{counting{}};
    CHECK(kept.submit([] { return perform(ask{}); }).get() == 1);
    CHECK(kept.submit([] { return perform(ask{}); }).get() == 2);

    counting mine;
    {
        live::runtime borrowing{mine};
        borrowing.submit([] { perform(ask{}); }).get();
    }
    CHECK(mine.next == 1);
}

TEST_CASE("several threads submit to one runtime", "[live][runtime][threads]") {
    live::runtime rt{counting{}};
    std::vector<std::thread> threads;
    std::atomic<long> sum = 0;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            std::vector<std::future<int>> answers;
            for (int i = 0; i < 100; ++i)
                answers.push_back(rt.submit([] {
                    async::yield();
                    return perform(ask{});
                }));
            for (auto& a : answers) sum += a.get();
        });
    for (auto& t : threads) t.join();
    CHECK(sum == 400 * 401 / 2);
}

TEST_CASE("the end of a runtime cancels the tasks that have not ended", "[live][runtime][threads]") {
    std::future<void> left;
    std::atomic<bool> unwound = false;
    {
        live::runtime rt;
        std::promise<void> begun;
        left = rt.submit([&] {
            struct note {
                std::atomic<bool>& b;
                ~note() { b = true; }
            } const at_the_end{unwound};
            begun.set_value();
            async::event never;
            never.wait();
        });
        begun.get_future().get();
    }
    CHECK(unwound);
    CHECK_THROWS_AS(left.get(), live::shut_down);
}

TEST_CASE("what a runtime still has to begin when it ends is refused, not forgotten", "[live][runtime][threads]") {
    std::vector<std::future<void>> answers;
    std::atomic<int> ran = 0;
    {
        live::runtime rt;
        for (int i = 0; i < 200; ++i) answers.push_back(rt.submit([&] { ++ran; }));
    }
    int done = 0;
    int refused = 0;
    for (auto& a : answers) {
        try {
            a.get();
            ++done;
        } catch (live::shut_down const&) {
            ++refused;
        }
    }
    CHECK(done == ran);
    CHECK(done + refused == 200);
}

TEST_CASE("submitting to a runtime that was stopped is an error", "[live][runtime][threads]") {
    live::runtime rt;
    rt.stop();
    rt.stop();
    CHECK_THROWS_AS(rt.submit([] {}), live::shut_down);
    CHECK_THROWS_WITH(rt.submit([] {}), Catch::Matchers::Contains("has ended"));
}

TEST_CASE("a runtime's handlers start before its constructor returns and stop at its end", "[live][runtime][threads]") {
    struct service {
        using operations = effects::operations<ask>;
        std::string& log;
        int operator()(ask const&) { return 0; }
        void start(async::group&) {
            async::yield();
            log += "start ";
        }
        void stop() {
            async::yield();
            log += "stop";
        }
    };
    std::string log;
    {
        live::runtime rt{service{log}};
        CHECK(log == "start ");
        rt.submit([&] { log += "work "; }).get();
    }
    CHECK(log == "start work stop");
}

TEST_CASE("a handler that fails to start makes the runtime's constructor throw", "[live][runtime][threads]") {
    struct service {
        using operations = effects::operations<ask>;
        int operator()(ask const&) { return 0; }
        void start(async::group&) { throw std::runtime_error("no database"); }
    };
    CHECK_THROWS_WITH(live::runtime{service{}}, "no database");
}

TEST_CASE("a runtime whose handler's background task fails says so to those who come later",
          "[live][runtime][threads]") {
    struct service {
        using operations = effects::operations<ask>;
        async::event& fail;
        int operator()(ask const&) {
            fail.set();
            return 0;
        }
        void start(async::group& g) {
            g.spawn([this] {
                fail.wait();
                throw std::runtime_error("the connection is gone");
            });
        }
    };
    async::event fail;
    live::runtime rt{service{fail}};
    auto hanging = rt.submit([] {
        async::event never;
        never.wait();
    });
    rt.submit([] { perform(ask{}); }).wait();
    CHECK_THROWS(hanging.get());

    rt.stop();
    CHECK_THROWS_WITH(rt.submit([] {}), Catch::Matchers::Contains("the connection is gone"));
}

TEST_CASE("a submitted function is destroyed before its future is ready", "[live][runtime][threads]") {
    live::runtime rt;
    auto watched = std::make_shared<int>(1);
    std::weak_ptr<int> const watching = watched;
    auto answer = rt.submit([held = std::move(watched)] { return *held; });
    CHECK(answer.get() == 1);
    CHECK(watching.expired());
}

TEST_CASE("threads that submit while a runtime ends by itself are refused, and touch no loop that is gone",
          "[live][runtime][threads]") {
    struct failing {
        using operations = effects::operations<ask>;
        int operator()(ask const&) { return 0; }
        void start(async::group& g) {
            g.spawn([] {
                for (int i = 0; i < 20; ++i) async::yield();
                throw std::runtime_error("the connection is gone");
            });
        }
    };
    for (int round = 0; round < 50; ++round) {
        live::runtime rt{failing{}};
        std::vector<std::thread> threads;
        std::atomic<int> ended = 0;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&] {
                try {
                    for (;;) rt.submit([] {}).wait();
                } catch (live::shut_down const&) {
                    ++ended;
                }
            });
        for (auto& t : threads) t.join();
        REQUIRE(ended == 3);
    }
}
