// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

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
    static constexpr int tasks = 1'000;
    static constexpr int timers = 100'000;
    int fired = 0;
    sim::run([&] {
        auto begun = async::now();
        async::task_group([&](async::group& g) {
            for (int i = 0; i < tasks; ++i)
                g.spawn([&fired, i] {
                    for (int k = 0; k < timers / tasks; ++k) {
                        async::sleep_for(std::chrono::seconds(3600) +
                                         std::chrono::milliseconds((i * 7919L) % tasks - tasks / 2));
                        ++fired;
                    }
                });
        });
        auto took = async::now() - begun;
        CHECK(took > std::chrono::hours(100));
        CHECK(took < std::chrono::hours(101));
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

TEST_CASE("a deadlock says who holds what is waited for, and where each task was spawned", "[sim][deadlock]") {
    auto text = message_of([] {
        sim::run([] {
            async::event never_set;
            async::mutex m;
            async::semaphore slots(3);
            async::once<int> value;
            auto own = slots.acquire();
            async::task_group([&](async::group& g) {
                g.spawn({.name = "owner"}, [&] {
                    auto held = m.lock();
                    auto moved = slots.acquire();
                    auto here = std::move(moved);
                    value.call([&] {
                        never_set.wait();
                        return 1;
                    });
                });
                g.spawn({.name = "second"}, [&] {
                    auto slot = slots.acquire();
                    auto held = m.lock();
                });
                g.spawn({.name = "third"}, [&] { auto slot = slots.acquire(); });
                g.spawn({.name = "fourth"}, [&] { value.call([] { return 2; }); });
            });
        });
    });

    CHECK_THAT(text,
               Catch::Contains("main/owner waits in event::wait (spawned at ") && Catch::Contains("run_test.cpp:"));
    CHECK_THAT(text, Catch::Contains("main/second waits in mutex::lock, held by main/owner (spawned at "));
    CHECK_THAT(text,
               Catch::Contains("main/third waits in semaphore::acquire, held by main, main/owner, main/second ("));
    CHECK_THAT(text, Catch::Contains("main/fourth waits in once::call, which runs in main/owner ("));
}

TEST_CASE("what failed beside the exception that leaves a world is there outside", "[sim][error]") {
    CHECK_THROWS_WITH(sim::run([] {
                          async::all([] { throw std::runtime_error("first"); },
                                     [] {
                                         async::shield([] { async::sleep_for(1s); });
                                         throw std::runtime_error("second");
                                     });
                      }),
                      "first");
    auto const besides = async::suppressed_failures();
    REQUIRE(besides.size() == 1);
    CHECK_THROWS_WITH(std::rethrow_exception(besides[0]), "second");

    sim::run([] {});
    CHECK(async::suppressed_failures().empty());
}

TEST_CASE("a task's name stays within its line of a report", "[sim][deadlock]") {
    auto stuck = [] {
        async::task_group([](async::group& g) {
            g.spawn({.name = "a\nmain/forged waits in sleep\x1B[2J\x7F"}, [] { async::event().wait(); });
        });
    };
    CHECK_THROWS_WITH(sim::run(stuck), Catch::Contains("main/a\\x0amain/forged waits in sleep\\x1b[2J\\x7f"));
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

TEST_CASE("handlers at tags start and stop like others", "[sim][services]") {
    struct audit;
    std::vector<std::string> log;
    struct service {
        using operations = effects::operations<ask>;
        std::vector<std::string>& log;
        int answer;

        void start(async::group&) {
            async::sleep_for(1s);
            log.push_back("start " + std::to_string(answer));
        }
        void stop() { log.push_back("stop " + std::to_string(answer)); }
        int operator()(ask const&) const { return answer; }
    };
    service borrowed{log, 2};
    auto sum = sim::run([] { return perform(ask{}) * 10 + perform(effects::at<audit>(ask{})); },
                        effects::at<audit>(borrowed), service{log, 1}, effects::at<int>(service{log, 3}));

    CHECK(sum == 12);
    CHECK(log == std::vector<std::string>{"start 3", "start 1", "start 2", "stop 2", "stop 1", "stop 3"});
}

TEST_CASE("a body gets the capability that it asks for, of its handlers and of the world", "[sim][run]") {
    auto one = [](ask const&) { return 1; };
    auto body = [](effects::can<effects::os::operations::random_bits, ask> fx) { return fx.perform(ask{}); };

    CHECK(sim::run(body, one) == 1);
    CHECK(sim::run({.seed = 7}, body, one) == 1);
    CHECK(sim::run([](auto fx) { return fx.perform(ask{}); }, one) == 1);
    CHECK(sim::run([](effects::can<ask> fx) { return fx.handle([&] { return fx.perform(ask{}); }); }, one) == 1);
}

namespace {

struct asker {
    int times;
    int ask_all(effects::can<ask> fx) const { return times * fx.perform(ask{}); }
    int ask_twice(effects::can<ask> fx) { return 2 * fx.perform(ask{}); }
};

} // namespace

TEST_CASE("a member function is a body, bound to its object, with the capability that it asks for", "[sim][run]") {
    auto one = [](ask const&) { return 1; };
    asker const three{3};
    asker two{2};

    CHECK(sim::run(std::bind_front(&asker::ask_all, &three), one) == 3);
    CHECK(sim::run({.seed = 7}, std::bind_front(&asker::ask_twice, &two), one) == 2);
    auto bound = std::bind_front(&asker::ask_all, three);
    CHECK(sim::run(bound, one) == 3);
}

TEST_CASE("a capability goes to tasks as an argument, also of member functions", "[sim][run][task]") {
    asker const three{3};
    int sum = sim::run(
        [&](effects::can<ask> fx) {
            return async::task_group([&](async::group& g) {
                auto a = g.spawn(&asker::ask_all, &three, fx);
                auto b = g.spawn({.name = "b"}, &asker::ask_all, three, fx);
                auto c = g.spawn([](effects::can<ask> inner) { return inner.perform(ask{}); }, fx);
                auto d = g.spawn(std::bind_front(&asker::ask_all, three), fx);
                return a.get() + b.get() + c.get() + d.get();
            });
        },
        [](ask const&) { return 1; });

    CHECK(sum == 10);
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

namespace {

// Ends it by itself, or prints its report; `errors` is what was printed.
struct ending {
    bool exited = false;
    std::string errors;
};

ending in_child(auto&& f) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    pid_t child = ::fork();
    if (child < 0) std::abort();
    if (child == 0) {
        ::close(ends[0]);
        ::dup2(ends[1], STDERR_FILENO);
        std::signal(SIGABRT, SIG_DFL); // not the test framework's
        std::set_terminate([] { ::_exit(3); });
        f();
        ::_exit(0);
    }
    ::close(ends[1]);
    ending e;
    char buffer[512];
    for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        e.errors.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    e.exited = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return e;
}

struct waits_at_its_end {
    using operations = effects::operations<>;
    async::event never_set;
    bool unwound = false;
    void stop() {
        try {
            never_set.wait();
        } catch (...) {
            unwound = true;
            throw;
        }
    }
};

} // namespace

TEST_CASE("a deadlock under a shield is reported, and what waits there is unwound", "[sim][deadlock][shield]") {
    bool unwound = false;
    auto text = message_of([&] {
        sim::run([&] {
            struct note {
                bool& unwound;
                ~note() { unwound = true; }
            } guard{unwound};
            async::event e;
            async::shield([&] { e.wait(); });
        });
    });

    CHECK_THAT(text, Catch::StartsWith("every task waits") && Catch::Contains("main waits in event::wait"));
    CHECK(unwound);
}

TEST_CASE("a deadlock under shields in several tasks, each within the other's end, is reported",
          "[sim][deadlock][shield]") {
    CHECK_THROWS_AS(sim::run([] {
                        async::event e;
                        async::task_group([&](async::group& g) {
                            for (int i = 0; i < 3; ++i)
                                g.spawn([&] {
                                    try {
                                        async::shield([&] { async::shield([&] { e.wait(); }); });
                                    } catch (async::cancelled const&) { // a clean-up that waits too
                                        async::shield([&] { e.wait(); });
                                        throw;
                                    }
                                });
                        });
                    }),
                    sim::deadlock);
}

TEST_CASE("a deadlock in a handler's stop() is reported", "[sim][deadlock][shield]") {
    waits_at_its_end service;
    CHECK_THROWS_AS(sim::run([] {}, service), sim::deadlock);
    CHECK(service.unwound);
}

TEST_CASE("a livelock under a shield is reported", "[sim][livelock][shield]") {
    CHECK_THROWS_AS(sim::run({.max_steps = 1000},
                             [] {
                                 async::shield([] {
                                     for (;;) async::yield();
                                 });
                             }),
                    sim::livelock);
}

TEST_CASE("a task that swallows its cancellation again and again uses up the step budget", "[sim][livelock]") {
    int swallowed = 0;
    CHECK_THROWS_AS(sim::run({.max_steps = 1000},
                             [&] {
                                 async::task_group([&](async::group& g) {
                                     auto t = g.spawn([&] {
                                         while (swallowed < 3000) try {
                                                 async::sleep_for(1s);
                                             } catch (async::cancelled const&) {
                                                 ++swallowed;
                                             }
                                     });
                                     t.cancel();
                                 });
                             }),
                    sim::livelock);
    CHECK(swallowed == 3000);
}

TEST_CASE("what swallows its cancellation for ever ends the process with a report that names it", "[sim][livelock]") {
    auto e = in_child([] {
        sim::run({.max_steps = 1000}, [] {
            async::task_group([](async::group& g) {
                auto t = g.spawn({.name = "stubborn"}, [] {
                    for (;;) try {
                            async::sleep_for(1s);
                        } catch (...) {
                        }
                });
                t.cancel();
            });
        });
    });

    CHECK(!e.exited);
    CHECK_THAT(e.errors,
               Catch::StartsWith("effects::sim: no end after 1000 steps") && Catch::Contains("main/stubborn"));
}

TEST_CASE("a deadlock that no cancellation can end ends the process with a report that says who waits",
          "[sim][deadlock]") {
    auto e = in_child([] {
        sim::run([] {
            async::mutex m;
            async::condition changed;
            static std::unique_ptr<async::mutex_lock> leaked;
            async::task_group([&](async::group& g) {
                g.spawn({.name = "waiting"}, [&] {
                    auto held = m.lock();
                    changed.wait(held);
                });
                leaked.reset(new async::mutex_lock(m.lock()));
                changed.notify_one();
            });
        });
    });

    CHECK(!e.exited);
    CHECK_THAT(e.errors, Catch::StartsWith("effects::sim: every task waits") &&
                             Catch::Contains("main/waiting waits in mutex::lock, cancelled"));
}

TEST_CASE("the calendar of a world that waits for ever stays at its last day", "[sim][clock]") {
    sim::run([] {
        async::sleep_until(async::never - 1ns);
        CHECK(effects::os::system_now() == effects::os::system_time::max());
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
