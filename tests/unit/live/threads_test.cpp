// SPDX-License-Identifier: BSL-1.0
#include <effects/async/threads.hpp> // before all others: its `on` must not hide that of clauses

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/live.hpp>
#include <effects/multishot.hpp>
#include <effects/net.hpp>
#include <effects/os.hpp>
#include <effects/sim.hpp>

namespace async = effects::async;
namespace live = effects::live;
namespace net = effects::net;
namespace sim = effects::sim;
using effects::perform;
using namespace std::chrono_literals;

namespace {

struct ask {
    using result_type = int;
    int of = 0;
};

struct stop_all {
    using result_type = int;
};

std::string refusal_of(std::function<void()> const& f) {
    try {
        f();
    } catch (std::logic_error const& e) {
        return e.what();
    }
    return "(not refused)";
}

} // namespace

TEST_CASE("a world of several threads numbers them", "[live][threads]") {
    live::run({.threads = 3}, [] {
        CHECK(async::threads() == 3);
        CHECK(async::thread() == 0);
        for (std::size_t i = 0; i < 3; ++i) CHECK(async::on(i, [] { return async::thread(); }) == i);
        auto const here = std::this_thread::get_id();
        CHECK(async::on(0, [] { return std::this_thread::get_id(); }) == here);
        CHECK(async::on(1, [] { return std::this_thread::get_id(); }) != here);
    });
}

TEST_CASE("a world of one thread has number 0", "[live][sim][threads]") {
    auto body = [] {
        CHECK(async::threads() == 1);
        CHECK(async::thread() == 0);
        CHECK(async::next_thread() == 0);
        CHECK(async::on(0, [] { return async::on(0, [] { return 7; }); }) == 7);
        CHECK(effects::handle([] { return async::on(0, [] { return perform(ask{7}); }); },
                              [](ask op) { return op.of; }) == 7);
        CHECK_THROWS_AS(async::on(1, [] {}), std::out_of_range);
        int calls = 0;
        async::on_each_thread([&] { ++calls; });
        CHECK(calls == 1);
    };
    live::run(body);
    sim::run(body);
    live::run({.threads = 0}, body);
}

TEST_CASE("there is no thread beyond the last", "[live][threads][error]") {
    live::run({.threads = 2}, [] {
        try {
            async::on(2, [] {});
            FAIL("there is none");
        } catch (std::out_of_range const& e) {
            CHECK(std::string(e.what()) == "async::on(2, …): this world has 2 threads, numbered from 0");
        }
    });
}

TEST_CASE("what runs on another thread has the handlers of here", "[live][threads]") {
    effects::handle(
        [] {
            live::run(
                {.threads = 2},
                [] {
                    int const got = effects::handle(
                        [] {
                            return async::on(1, [] {
                                int sum = 0;
                                for (int i = 0; i < 100; ++i) sum += perform(ask{i});
                                async::yield();
                                return sum +
                                       effects::handle([] { return perform(ask{1}); },
                                                       [](ask const& op) { return perform(ask{op.of + 1}) + 1000; });
                            });
                        },
                        [](ask const& op) { return perform(op) + 1; });
                    CHECK(got == 100 * 3 + 2 * 4950 + 1000 + 7);
                },
                [](ask const& op) { return perform(op) + 2; });
        },
        [](ask const& op) { return 2 * op.of; });
}

TEST_CASE("on another thread, the world's own handlers are that thread's", "[live][threads][net]") {
    live::run({.threads = 2}, [] {
        async::on(1, [] {
            net::listener door = perform(net::listen({"127.0.0.1", 0}));
            async::task_group([&](async::group& g) {
                g.spawn([&] { door.accept().write("hello"); });
                CHECK(perform(net::connect(door.local())).read_all() == "hello");
            });
            async::sleep_for(1ms);
            CHECK(async::blocking([] { return 3; }) == 3);
        });
    });
}

TEST_CASE("a clause can go to another thread, and back", "[live][threads]") {
    live::run({.threads = 3}, [] {
        int const got = effects::handle(
            [] { return async::on(1, [] { return perform(ask{5}); }); },
            [](ask const& op) {
                return async::on(
                           2, [&] { return async::on(0, [&] { return op.of + static_cast<int>(async::thread()); }); }) +
                       100 * static_cast<int>(async::thread());
            });
        CHECK(got == 105);
    });
}

TEST_CASE("values, references, nothing and exceptions come back from another thread", "[live][threads][error]") {
    live::run({.threads = 2}, [] {
        CHECK(*async::on(1, [] { return std::make_unique<int>(4); }) == 4);
        int number = 0;
        int& same = async::on(1, [&]() -> int& { return number; });
        CHECK(&same == &number);
        async::on(1, [&] { number = 8; });
        CHECK(number == 8);
        CHECK_THROWS_WITH(async::on(1, []() -> int { throw std::runtime_error("over there"); }), "over there");
        CHECK(std::uncaught_exceptions() == 0);
    });
}

TEST_CASE("an aborts clause ends what runs on another thread", "[live][threads]") {
    live::run({.threads = 2}, [] {
        bool unwound = false;
        int const got = effects::handle(
            [&] {
                return async::on(1, [&] {
                    struct at_end {
                        bool& told;
                        ~at_end() { told = true; }
                    } const e{unwound};
                    return perform(stop_all{});
                });
            },
            effects::aborts<stop_all>([](stop_all) { return 42; }));
        CHECK(got == 42);
        CHECK(unwound);
    });
}

TEST_CASE("a control clause does not reach another thread", "[live][threads][error]") {
    live::run({.threads = 2}, [] {
        effects::handle(
            [] {
                async::on(1, [] { CHECK_THROWS_AS(perform(ask{}), effects::capture_across_task); });
                CHECK(perform(ask{}) == 1);
            },
            effects::control<ask>([](ask, auto k) { std::move(k).resume(1); }));
        CHECK(async::on(1, [] {
                  return effects::handle([] { return perform(ask{3}) + 1; }, effects::control<ask>([](ask op, auto k) {
                                             return std::move(k).resume(op.of);
                                         }));
              }) == 4);
    });
}

TEST_CASE("a body that may be run again does not go to another thread", "[live][threads][error]") {
    live::run({.threads = 2}, [] {
        effects::multishot::handle([] { CHECK_THROWS_AS(async::on(1, [] {}), std::logic_error); },
                                   effects::control<ask>([](ask, auto k) { k.resume(1); }));
    });
}

TEST_CASE("cancelling who waits cancels what runs there, and waits for its end", "[live][threads][cancel]") {
    live::run({.threads = 2}, [] {
        std::atomic<bool> begun{false};
        bool cleaned_up = false;
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                async::on(1, [&] {
                    begun = true;
                    try {
                        async::sleep_for(1h);
                    } catch (async::cancelled const& c) {
                        async::shield([] { async::sleep_for(1ms); });
                        cleaned_up = c.why() == async::reason::requested;
                        throw;
                    }
                });
            });
            while (!begun) async::sleep_for(100us);
            t.cancel();
            t.wait();
            CHECK(cleaned_up);
        });
    });
}

TEST_CASE("debug mode takes no call that ended well for a swallowed cancellation", "[live][threads][cancel][debug]") {
    std::vector<async::debug_report> found;
    live::run(
        {.threads = 2,
         .debug = true,
         .debugging = {.slow_task = async::duration::max(), .report = [&](auto const& r) { found.push_back(r); }}},
        [] {
            std::atomic<bool> begun{false};
            async::task_group([&](async::group& g) {
                auto t = g.spawn([&] {
                    async::on(1, [&] {
                        begun = true;
                        async::sleep_for(1h);
                    });
                });
                while (!begun) async::sleep_for(100us);
                t.cancel();
                t.wait();
            });
        });
    CHECK(found.empty());
}

TEST_CASE("a time limit here holds there", "[live][threads][cancel]") {
    live::run({.threads = 2}, [] {
        CHECK_THROWS_AS(async::timeout(5ms, [] { async::on(1, [] { async::sleep_for(1h); }); }), async::timed_out);
        async::timeout(1h, [] {
            auto const here = async::deadline();
            CHECK(async::on(1, [] { return async::deadline(); }) == here);
        });
        CHECK(async::on(1, [] { return async::deadline(); }) == async::never);
    });
}

TEST_CASE("a cancelled task does not begin on another thread", "[live][threads][cancel]") {
    live::run({.threads = 2}, [] {
        async::task_group([](async::group& g) {
            g.cancel();
            CHECK_THROWS_AS(async::on(1, [] { FAIL("it began"); }), async::cancelled);
        });
    });
}

TEST_CASE("a failure on one thread cancels the others", "[live][threads][error]") {
    live::run({.threads = 3}, [] {
        std::atomic<int> cancelled{0};
        CHECK_THROWS_WITH(async::on_each_thread([&] {
                              if (async::thread() == 1) throw std::runtime_error("one of three");
                              try {
                                  async::sleep_for(1h);
                              } catch (async::cancelled const&) {
                                  ++cancelled;
                                  throw;
                              }
                          }),
                          "one of three");
        CHECK(cancelled <= 2); // one that had not begun was not there to be cancelled
    });
}

TEST_CASE("many calls from all threads to all threads end", "[live][threads][stress]") {
    live::run(
        {.threads = 3},
        [] {
            std::atomic<int> sum{0};
            async::on_each_thread([&] {
                async::task_group([&](async::group& g) {
                    for (int i = 0; i < 200; ++i)
                        g.spawn([&, i] {
                            auto const to = static_cast<std::size_t>(i % 3);
                            sum += async::on(to, [&] {
                                if (i % 7 == 0) async::yield();
                                return perform(ask{i});
                            });
                        });
                });
            });
            CHECK(sum == 3 * 19900);
        },
        [](ask const& op) { return op.of; });
}

TEST_CASE("threads are taken in turn", "[live][threads]") {
    live::run({.threads = 3}, [] {
        std::multiset<std::size_t> taken;
        for (int i = 0; i < 9; ++i) taken.insert(async::next_thread());
        for (std::size_t i = 0; i < 3; ++i) CHECK(taken.count(i) == 3);
    });
}

TEST_CASE("locals are seen on another thread", "[live][threads]") {
    static async::local<std::string> const name;
    live::run({.threads = 2}, [] {
        name.with("here", [] { CHECK(async::on(1, [] { return name.get(); }) == "here"); });
        CHECK(async::on(1, [] { return name.find(); }) == nullptr);
    });
}

TEST_CASE("listeners of several threads share an address", "[live][threads][net]") {
    live::run({.threads = 2}, [] {
        net::listener const first = perform(net::listen({"127.0.0.1", 0}, 16, true));
        async::on(1, [&] {
            net::listener second = perform(net::listen(first.local(), 16, true));
            CHECK(second.local() == first.local());
        });
        CHECK_THROWS_AS(perform(net::listen(first.local())), net::error);
    });
}

TEST_CASE("a signal ends what runs on all threads", "[live][threads][signals]") {
    std::atomic<int> ended{0};
    CHECK_THROWS_AS(live::run({.threads = 2},
                              [&] {
                                  async::on_each_thread([&] {
                                      struct at_end {
                                          std::atomic<int>& n;
                                          ~at_end() { ++n; }
                                      } const e{ended};
                                      if (async::thread() == 1) std::raise(SIGTERM);
                                      async::sleep_for(1h);
                                  });
                              }),
                    live::shut_down);
    CHECK(ended >= 1);
}

TEST_CASE("a runtime can have several threads", "[live][threads][runtime]") {
    live::runtime rt(live::options{.handle_signals = false, .threads = 2});
    CHECK(rt.submit([] { return async::on(1, [] { return async::thread(); }); }).get() == 1);
}

// ---- what threads may share ----

TEST_CASE("a promise is set and waited for by all threads", "[live][threads][promise]") {
    live::run({.threads = 3}, [] {
        for (std::size_t setter = 0; setter < 3; ++setter) {
            async::promise<int> answer;
            std::atomic<int> sum{0};
            async::on_each_thread([&] {
                async::task_group([&](async::group& g) {
                    for (int i = 0; i < 10; ++i) g.spawn([&] { sum += answer.get(); });
                    async::yield();
                    if (async::thread() == setter) answer.set_value(2);
                });
            });
            CHECK(sum == 60);
        }
    });
}

TEST_CASE("policies hold for all threads together", "[live][threads][policies]") {
    async::bulkhead two({.limit = 2, .max_waiting = 1000});
    async::rate_limiter limiter({.permits = 5, .per = 1h});
    async::circuit_breaker breaker;
    async::retry_budget budget;
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::atomic<int> calls{0};
    std::atomic<int> permitted{0};
    live::run({.threads = 3}, [&] {
        async::on_each_thread([&] {
            async::map(std::vector(20, 0), [&](int) {
                two.run([&] {
                    int const now = ++inside;
                    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
                    }
                    async::yield();
                    --inside;
                });
                breaker.run([&] { ++calls; });
                if (limiter.try_acquire()) ++permitted;
                return 0;
            });
        });
    });
    CHECK(calls == 60);
    CHECK(most == 2);
    CHECK(permitted == 5);
}

TEST_CASE("what belongs to the tasks of one thread is refused to others where that shows", "[live][threads][error]") {
    live::run({.threads = 2}, [] {
        async::event ready;
        async::channel<int> numbers;
        async::semaphore slots{1};
        async::mutex door;
        async::task_group([&](async::group& g) {
            {
                auto slot = slots.acquire();
                auto held = door.lock();
                auto t = g.spawn([&] { ready.wait(); });
                g.spawn([&] { (void)numbers.receive(); });
                g.spawn([&] { (void)slots.acquire(); });
                g.spawn([&] { (void)door.lock(); });
                auto const across = Catch::Contains("for what a task of another thread (main/");
                async::on(1, [&] {
                    CHECK_THAT(refusal_of([&] { ready.wait(); }),
                               Catch::EndsWith(
                                   "would wait in event::wait for what a task of another thread (main/1) waits for: "
                                   "it is for the tasks of one; across threads, use async::promise"));
                    CHECK_THAT(refusal_of([&] { (void)numbers.receive(); }), across);
                    CHECK_THAT(refusal_of([&] { (void)slots.acquire(); }), across);
                    CHECK_THAT(refusal_of([&] { (void)door.lock(); }), across);
                    CHECK_THAT(refusal_of([&] { t.wait(); }),
                               Catch::Contains("can't wait for main/1, which runs on another thread"));
                    bool begun = false;
                    CHECK_THAT(refusal_of([&] { g.spawn([&] { begun = true; }); }),
                               Catch::StartsWith("spawn in a task group of another thread (that of task main)"));
                    CHECK_FALSE(begun);
                    async::yield(); // and this thread goes on
                });
                CHECK(g.size() == 4);
            }
            ready.set();
            numbers.close();
        });
    });
}

TEST_CASE("detached tasks are the main thread's", "[live][threads][error]") {
    int ran = 0;
    live::run(
        {.threads = 2},
        [&] {
            async::detach([&] { ++ran; });
            async::on(1, [&] {
                CHECK_THAT(refusal_of([&] { async::detach([&] { ran += 10; }); }),
                           Catch::StartsWith("spawn in a task group of another thread"));
            });
        },
        async::background{});
    CHECK(ran == 1);
}

TEST_CASE("the main thread can't be called before the body begins", "[live][threads][error]") {
    struct calls_early {
        using operations = effects::operations<ask>;
        std::string said = {};
        int operator()(ask const& op) const { return op.of; }
        void start(async::group&) {
            async::on(1, [&] { // the other threads are there already
                said = refusal_of([] { async::on(0, [] { FAIL("it ran"); }); });
            });
            async::on(0, [] {}); // in place
        }
    };
    calls_early early;
    live::run(
        {.threads = 2}, [] { CHECK(async::on(1, [] { return async::on(0, [] { return 5; }); }) == 5); }, early);
    CHECK(early.said == "async::on(0, …) before the body of the world has begun");
}

TEST_CASE("handlers of async are made of clauses, whichever of its headers comes first", "[async]") {
    async::local<int> const depth(0);
    int asked = 0;

    int const got = effects::handle([&] { return depth.with(2, [&] { return depth.get() + perform(ask{3}); }); },
                                    async::guarding<ask>(async::retrying({.attempts = 2})),
                                    [&](ask const& a) {
                                        ++asked;
                                        return a.of;
                                    });

    CHECK(got == 5);
    CHECK(asked == 1);
}
