// SPDX-License-Identifier: BSL-1.0
#include <effects/async/blocking.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <effects/async/debug.hpp>
#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/must_not_suspend.hpp>
#include <effects/async/shield.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/thread_lock.hpp>
#include <effects/async/timeout.hpp>
#include <effects/live/run.hpp>
#include <effects/os/random.hpp>
#include <effects/perform.hpp>
#include <effects/sim/run.hpp>
#include <effects/unhandled_operation.hpp>

namespace async = effects::async;
namespace live = effects::live;
namespace os = effects::os;
namespace sim = effects::sim;
using namespace std::chrono_literals;

TEST_CASE("blocking work runs on another thread and gives its value", "[live][blocking][threads]") {
    live::run([] {
        auto const mine = std::this_thread::get_id();
        CHECK(async::blocking([&] { return std::this_thread::get_id() != mine; }));
        CHECK(*async::blocking([] { return std::make_unique<int>(3); }) == 3);
    });
}

TEST_CASE("blocking work throws into the task that waits for it", "[live][blocking][threads]") {
    live::run([] {
        CHECK_THROWS_WITH(async::blocking([] { throw std::runtime_error("from the worker"); }), "from the worker");
        CHECK(async::blocking([] { return 1; }) == 1);
    });
}

TEST_CASE("other tasks run while one is blocked", "[live][blocking][threads]") {
    live::run([] {
        std::promise<int> answer;
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] { return async::blocking([&] { return answer.get_future().get(); }); });
            CHECK_FALSE(t.done());
            async::yield();
            answer.set_value(9); // it would wait for ever if this task were held up
            CHECK(t.get() == 9);
        });
    });
}

TEST_CASE("tasks that only yield to each other keep no worker's answer waiting", "[live][blocking][threads]") {
    live::run([] {
        bool answered = false;
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 2; ++i)
                g.spawn([&] {
                    while (!answered) async::yield();
                });
            g.spawn([&] {
                async::blocking([] {});
                answered = true;
            });
        });
        CHECK(answered);
    });
}

TEST_CASE("no more blocking work runs at once than the pool has threads", "[live][blocking][threads]") {
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    std::atomic<int> done = 0;
    live::run({.blocking_threads = 2}, [&] {
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 40; ++i)
                g.spawn([&] {
                    async::blocking([&] {
                        int const now = ++running;
                        int seen = most;
                        while (now > seen && !most.compare_exchange_weak(seen, now)) {
                        }
                        std::this_thread::yield();
                        --running;
                        ++done;
                    });
                });
        });
    });
    CHECK(done == 40);
    CHECK(most <= 2);
    CHECK(most >= 1);
}

TEST_CASE("as many pieces of blocking work run at once as the pool has threads", "[live][blocking][threads]") {
    live::run({.blocking_threads = 3}, [&] {
        std::mutex m;
        std::condition_variable changed;
        int here = 0;
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 3; ++i)
                g.spawn([&] {
                    async::blocking([&] { // each waits for the other two
                        std::unique_lock lock(m);
                        ++here;
                        changed.notify_all();
                        changed.wait(lock, [&] { return here == 3; });
                    });
                });
        });
        CHECK(here == 3);
    });
}

TEST_CASE("cancelling a blocked task interrupts the work once and waits for its end", "[live][blocking][threads]") {
    live::run([] {
        std::mutex m;
        std::condition_variable changed;
        bool told = false;
        std::atomic<int> interrupts = 0;
        bool ended = false;
        bool cancelled_later = false;
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                int const value = async::blocking(
                    [&] {
                        std::unique_lock lock(m);
                        changed.wait(lock, [&] { return told; });
                        ended = true;
                        return 4;
                    },
                    [&] {
                        ++interrupts;
                        std::lock_guard lock(m);
                        told = true;
                        changed.notify_all();
                    });
                CHECK(value == 4); // what was done is not thrown away
                try {
                    async::yield();
                } catch (async::cancelled const&) {
                    cancelled_later = true;
                    throw;
                }
            });
            t.cancel();
            t.cancel();
            t.wait();
        });
        CHECK(interrupts == 1);
        CHECK(ended);
        CHECK(cancelled_later);
    });
}

TEST_CASE("a timeout around blocking work interrupts it", "[live][blocking][threads]") {
    live::run([] {
        std::promise<void> stop;
        std::atomic<int> interrupts = 0;
        auto const work = [&] {
            async::blocking([&] { stop.get_future().wait(); },
                            [&] {
                                ++interrupts;
                                stop.set_value();
                            });
            async::checkpoint();
        };
        CHECK_THROWS_AS(async::timeout(200us, work), async::timed_out);
        CHECK(interrupts == 1);
    });
}

TEST_CASE("work that nobody cancels is not interrupted", "[live][blocking][threads]") {
    std::atomic<int> interrupts = 0;
    live::run([&] { async::blocking([] {}, [&] { ++interrupts; }); });
    CHECK(interrupts == 0);
}

TEST_CASE("blocking work without an interrupt is waited for when its task is cancelled", "[live][blocking][threads]") {
    live::run([] {
        std::promise<void> go;
        bool ended = false;
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                async::blocking([&] {
                    go.get_future().wait();
                    ended = true;
                });
            });
            t.cancel();
            async::yield();
            CHECK_FALSE(t.done());
            go.set_value();
            t.wait();
        });
        CHECK(ended);
    });
}

TEST_CASE("blocking work that is cancelled before a thread has it never begins", "[live][blocking][cancel][threads]") {
    std::promise<void> go;
    std::vector<std::string> ended;
    std::atomic<int> begun = 0;
    live::run({.blocking_threads = 1}, [&] {
        async::task_group([&](async::group& g) {
            g.spawn([&] { async::blocking([&] { go.get_future().wait(); }); });
            auto first = g.spawn([&] { async::blocking([&] { ++begun; }); });
            auto second = g.spawn([&] { async::blocking([&] { ++begun; }); });
            auto last = g.spawn([&] { async::blocking([&] { ++begun; }); });
            CHECK_FALSE(async::try_timeout(5ms, [&] { async::blocking([&] { ++begun; }); }));
            last.cancel();
            first.cancel();
            last.wait();
            first.wait();
            CHECK(begun == 0);
            go.set_value();
            second.wait();
        });
    });
    CHECK(begun == 1);
}

TEST_CASE("an interrupt that throws keeps nobody else waiting, and is told when the work has ended",
          "[live][blocking][cancel]") {
    std::promise<void> go;
    bool others_went_on = false;
    bool work_ended = false;
    live::run([&] {
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                CHECK_THROWS_WITH(async::blocking(
                                      [&] {
                                          go.get_future().wait();
                                          work_ended = true;
                                      },
                                      [] { throw std::runtime_error("can't interrupt"); }),
                                  "can't interrupt");
                CHECK(work_ended);
            });
            async::yield();
            t.cancel();
            async::sleep_for(5ms);
            others_went_on = !t.done();
            go.set_value();
        });
    });
    CHECK(others_went_on);
}

TEST_CASE("a thousand pieces of blocking work from a hundred tasks are all done", "[live][blocking][threads]") {
    std::atomic<int> done = 0;
    live::run([&] {
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 100; ++i)
                g.spawn([&] {
                    for (int k = 0; k < 10; ++k) async::blocking([&] { ++done; });
                });
        });
    });
    CHECK(done == 1000);
}

TEST_CASE("a task that is cancelled already starts no blocking work, unless it is shielded",
          "[live][blocking][threads]") {
    bool began = false;
    bool shielded = false;
    live::run([&] {
        async::task_group([&](async::group& g) {
            g.cancel();
            g.spawn([&] {
                CHECK_THROWS_AS(effects::perform(async::run_blocking{[&] { began = true; }}), async::cancelled);
                async::shield([&] { async::blocking([&] { shielded = true; }); });
            });
        });
    });
    CHECK_FALSE(began);
    CHECK(shielded);
}

TEST_CASE("an operation performed on a worker thread says that none can be performed there", "[live][blocking]") {
    std::string said;
    live::run([&] {
        async::blocking([&] {
            try {
                os::random_bits();
            } catch (effects::unhandled_operation const& e) {
                said = e.what();
            }
        });
    });
    CHECK_THAT(said, Catch::Contains("async::blocking runs on a worker thread") && !Catch::Contains("live::run, sim"));
}

TEST_CASE("no blocking work begins while its task must not suspend", "[live][sim][blocking][error]") {
    std::vector<async::debug_report> found;
    async::debug_options const keep{.slow_task = async::duration::max(),
                                    .report = [&](async::debug_report const& r) { found.push_back(r); }};
    auto body = [] {
        std::mutex m;
        bool began = false;
        auto refused = [&](auto work) {
            try {
                work();
            } catch (std::logic_error const& e) {
                return std::string(e.what());
            }
            return std::string("(not refused)");
        };
        {
            async::thread_lock const lock(m);
            CHECK_THAT(refused([&] { async::blocking([&] { began = true; }); }),
                       Catch::StartsWith(
                           "task main would wait in async::blocking while it holds a lock of its thread (since "));
        }
        {
            async::must_not_suspend const here("a connection");
            CHECK_THAT(refused([&] { async::blocking([&] { began = true; }); }),
                       Catch::Contains("in async::blocking while it holds a connection"));
        }
        CHECK_FALSE(began);
        async::blocking([&] { began = true; });
        CHECK(began);
    };
    live::run({.debug = true, .debugging = keep}, body);
    REQUIRE(found.size() == 2);
    CHECK(found[0].finding == async::debug_finding::lock_over_suspension);
    CHECK(found[0].details.starts_with("waits in async::blocking while it holds a lock of its thread"));
    sim::run({.debug = true, .debugging = keep}, body);
    CHECK(found.size() == 4);

    live::run([] { // performed without `async::blocking`
        async::must_not_suspend const here;
        CHECK_THROWS_AS(effects::perform(async::run_blocking{[] { FAIL("it began"); }}), std::logic_error);
    });
    auto unwound = [] { // where nothing is suspended: it runs in place
        struct give_up {
            using result_type = void;
        };
        struct rolls_back {
            bool& done;
            ~rolls_back() {
                async::must_not_suspend const here;
                async::blocking([&] { done = true; });
            }
        };
        bool done = false;
        effects::handle(
            [&] {
                rolls_back const at_end{done};
                effects::perform(give_up{});
            },
            effects::control<give_up>([](give_up, auto) {}));
        CHECK(done);
    };
    live::run(unwound);
    sim::run(unwound);

    std::mutex m;
    async::thread_lock const outside_any_task(m);
    CHECK(async::blocking([] { return 1; }) == 1);
}
