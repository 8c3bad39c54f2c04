// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

// Errors that several hold, foreign cancellations, answers given twice.

namespace async = effects::async;
using namespace std::chrono_literals;
using effects::perform;

namespace {

effects::error refused(std::string text = "refused") {
    return effects::error(std::make_error_code(std::errc::connection_refused), std::move(text));
}

struct no_copy_said : effects::error { // does not override throw_copy
    using error::error;
};

struct quit {
    using result_type = int;
    int with = 0;
};

template <class F>
std::string what(F&& f) {
    try {
        f();
    } catch (std::exception const& e) {
        return e.what();
    }
    return "nothing was thrown";
}

// As large as the answers that leak must be counted.
struct counted {
    inline static int alive = 0;
    explicit counted(int n) : number(n) { ++alive; }
    counted(counted const& other) : number(other.number) { ++alive; }
    ~counted() { --alive; }
    int number;
};

// Sets `into` to the `cancelled` of a task that somebody else cancelled.
void foreign_cancellation(async::promise<int> into) {
    async::task_group([&](async::group& g) {
        auto t = g.spawn([into] {
            try {
                async::event().wait();
            } catch (...) {
                into.set_exception(std::current_exception());
                throw;
            }
        });
        t.cancel();
    });
}

} // namespace

EFFECTS_IN_BOTH_WORLDS("a cancellation that is not its own leaves a void task_group as an error",
                       "[async][group][cancellation]") {
    async::promise<int> p;
    foreign_cancellation(p);
    bool sibling_cancelled = false;

    bool thrown = false;
    try {
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                try {
                    async::event().wait();
                } catch (async::cancelled const&) {
                    sibling_cancelled = true;
                    throw;
                }
            });
            p.get();
        });
    } catch (async::cancelled const&) {
        thrown = true;
    }

    CHECK(thrown);
    CHECK(sibling_cancelled);
}

EFFECTS_IN_BOTH_WORLDS("after the first failure for_each starts no further element", "[async][map]") {
    std::vector<int> started;
    std::vector<int> const elements{1, 2, 3, 4};

    CHECK_THROWS_AS(async::for_each(elements, {.limit = 1},
                                    [&](int i) {
                                        started.push_back(i);
                                        async::sleep_for(1ms);
                                        throw std::runtime_error("failed");
                                    }),
                    std::runtime_error);

    CHECK(started == std::vector<int>{1});
}

EFFECTS_IN_BOTH_WORLDS("after the first failure map starts no further element", "[async][map]") {
    std::vector<int> started;
    std::vector<int> const elements{1, 2, 3, 4, 5, 6};

    CHECK_THROWS_AS(async::map(elements, {.limit = 2},
                               [&](int i) {
                                   started.push_back(i);
                                   if (i == 2) async::event().wait();
                                   async::sleep_for(1ms);
                                   if (i == 1) throw std::runtime_error("failed");
                                   return i;
                               }),
                    std::runtime_error);

    CHECK(started == std::vector<int>{1, 2});
}

EFFECTS_IN_BOTH_WORLDS("tasks of one name and one parent have paths and jitter of their own", "[async][task][retry]") {
    std::set<double> draws;
    std::vector<std::string> paths;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 3; ++i)
            g.spawn({.name = "worker"}, [&] {
                draws.insert(perform(async::draw_jitter{}));
                paths.push_back(async::detail::current_task().path());
            });
        g.spawn({.name = "5"}, [&] { paths.push_back(async::detail::current_task().path()); });
        g.spawn([&] { paths.push_back(async::detail::current_task().path()); });
    });

    CHECK(draws.size() == 3);
    CHECK(paths == std::vector<std::string>{"main/worker", "main/worker#2", "main/worker#3", "main/5#4", "main/5"});
}

EFFECTS_IN_BOTH_WORLDS("a parent with ever new names remembers few of them, and paths stay unique", "[async][task]") {
    std::set<std::string> paths;
    async::task_group([&](async::group& g) {
        for (int round = 0; round < 2; ++round)
            for (int i = 0; i < 40; ++i)
                g.spawn({.name = "user " + std::to_string(i)},
                        [&] { paths.insert(async::detail::current_task().path()); });
    });

    CHECK(paths.size() == 80);
}

EFFECTS_IN_BOTH_WORLDS("who gets a promise's error does not see the context of those who got it before",
                       "[async][promise][error]") {
    async::promise<int> p;
    p.set_exception(refused());

    for (int i = 0; i < 3; ++i)
        CHECK(what([&] { effects::with_context("reading", [&] { return p.get(); }); }) == "while reading: refused");
    for (int i = 0; i < 2; ++i)
        CHECK(what([&] { async::retry({.attempts = 2, .backoff = async::constant(0ms)}, [&] { return p.get(); }); }) ==
              "while retrying, after 2 attempts: refused");
    CHECK(what([&] { p.get(); }) == "refused");
}

EFFECTS_IN_BOTH_WORLDS("who gets a task's error again does not see the context of the first time",
                       "[async][task][error]") {
    async::task<int> t;
    CHECK(what([&] {
              async::task_group(
                  [&](async::group& g) { t = g.spawn([]() -> int { throw async::timed_out("a phase", 1s, 2s); }); });
          }) == "a phase: 2 s passed (limit 1 s)");

    for (int i = 0; i < 2; ++i) try {
            effects::with_context("reading", [&] { return t.get(); });
            FAIL("it should have thrown");
        } catch (async::timed_out const& e) { // its class has stayed
            CHECK(e.limit() == 1s);
            CHECK(std::string(e.what()) == "while reading: a phase: 2 s passed (limit 1 s)");
        }
}

EFFECTS_IN_BOTH_WORLDS(
    "an error whose class does not say how to copy it keeps its class, and on one thread gets its context",
    "[async][task][promise][error]") {
    async::task<int> t;
    CHECK_THROWS_AS(async::task_group([&](async::group& g) {
                        t = g.spawn(
                            []() -> int { throw no_copy_said(std::make_error_code(std::errc::io_error), "disk"); });
                    }),
                    no_copy_said);
    async::promise<int> p;
    p.set_exception(no_copy_said(std::make_error_code(std::errc::io_error), "disk"));

    auto text = [](auto&& f) {
        try {
            effects::with_context("reading", f);
        } catch (no_copy_said const& e) {
            return std::string(e.what());
        }
        return std::string("another class");
    };
    CHECK(text([&] { return t.get(); }) == "while reading: disk");
    CHECK(text([&] { return p.get(); }) == "disk");
}

EFFECTS_IN_BOTH_WORLDS("what failed beside the first error is told with it", "[async][group][error]") {
    auto text = what([] {
        async::task_group([](async::group& g) {
            for (char const* name : {"one", "two", "three"})
                g.spawn([name] {
                    try {
                        async::event().wait();
                    } catch (async::cancelled const&) {
                        throw std::runtime_error(name);
                    }
                });
            g.spawn([] {
                async::yield();
                throw refused();
            });
        });
    });

    CHECK(text.substr(0, 27) == "refused (and 3 more failed:");
    for (char const* name : {"one", "two", "three"}) CHECK(text.find(name) != text.npos);
}

EFFECTS_IN_BOTH_WORLDS("of two tasks that abort one body the first to answer does, and no answer leaks",
                       "[async][aborts]") {
    {
        async::event both;
        int asked = 0;
        counted answer = effects::handle(
            []() -> counted {
                async::task_group([](async::group& g) {
                    g.spawn([] { perform(quit{1}); });
                    g.spawn([] { perform(quit{2}); });
                });
                return counted(0);
            },
            effects::aborts<quit>([&](quit const& op) {
                if (++asked == 2) both.set();
                both.wait(); // both have asked before one answers
                if (op.with == 1) async::shield([] { async::sleep_for(2ms); });
                return counted(op.with);
            }));
        CHECK(asked == 2);
        CHECK(answer.number == 2);
        CHECK(counted::alive == 1);
    }
    CHECK(counted::alive == 0);
}

EFFECTS_IN_BOTH_WORLDS("getting the task that aborted a body throws task_cancelled", "[async][task][aborts]") {
    async::task<int> t;
    int answer = effects::handle(
        [&]() -> int {
            async::task_group([&](async::group& g) { t = g.spawn([] { return perform(quit{}); }); });
            return 1;
        },
        effects::aborts<quit>([] { return 2; }));

    CHECK(answer == 2);
    CHECK_THROWS_AS(t.get(), async::task_cancelled);
}

EFFECTS_IN_BOTH_WORLDS("a task may lock what a task that has ended left locked to others", "[async][mutex]") {
    async::mutex m;
    for (int i = 0; i < 20; ++i) { // the next task often lies where the one before did
        std::unique_ptr<async::mutex_lock> left;
        async::task_group([&](async::group& g) { g.spawn([&] { left.reset(new async::mutex_lock(m.lock())); }); });
        async::task_group([&](async::group& g) {
            g.spawn([&] { auto mine = m.lock(); });
            left.reset();
        });
    }
    CHECK(!m.is_locked());
}

namespace {

std::vector<std::string> suppressed() {
    std::vector<std::string> all;
    for (std::exception_ptr const& e : async::suppressed_failures())
        all.push_back(what([&] { std::rethrow_exception(e); }));
    return all;
}

// Fails in the order of its tasks: `texts`, all after the first suspension.
void fail(std::vector<std::string> const& texts) {
    async::task_group([&](async::group& g) {
        for (std::string const& text : texts)
            g.spawn([&g, text] {
                async::shield([&] { async::sleep_for(std::chrono::milliseconds(g.size())); });
                throw std::runtime_error(text);
            });
    });
}

} // namespace

EFFECTS_IN_BOTH_WORLDS("what failed beside an exception that can't be told more is kept", "[async][group][error]") {
    CHECK(suppressed().empty());
    try {
        fail({"a", "b", "c", "d", "e", "f", "g"});
        FAIL("it did not throw");
    } catch (std::runtime_error const& e) {
        std::vector<std::string> all = suppressed();
        CHECK(all.size() == 6);
        all.push_back(e.what());
        CHECK(std::set<std::string>(all.begin(), all.end()) ==
              std::set<std::string>{"a", "b", "c", "d", "e", "f", "g"});
    }
    CHECK(what([] { fail({"alone"}); }) == "alone");
    CHECK(suppressed().empty()); // of the last one
}

EFFECTS_IN_BOTH_WORLDS("what failed in a group inside a task is kept with what failed beside the task",
                       "[async][group][error]") {
    CHECK(what([] {
              async::task_group([](async::group& g) {
                  g.spawn([] { fail({"inner"}); });
                  g.spawn([] {
                      async::shield([] { async::sleep_for(5ms); });
                      fail({"x", "y"});
                  });
                  g.spawn([] { // tells no more of those than it throws
                      async::shield([] { async::sleep_for(20ms); });
                      CHECK_THROWS(fail({"caught", "with it"}));
                      throw std::runtime_error("its own");
                  });
              });
          }) == "inner");
    auto const all = suppressed();
    CHECK(std::set<std::string>(all.begin(), all.end()) == std::set<std::string>{"x", "y", "its own"});
}

EFFECTS_IN_BOTH_WORLDS("a cancelled loop over a channel takes no element that it gives nobody",
                       "[async][map][as_completed][channel]") {
    for (bool as_they_come : {false, true}) {
        async::channel<int> from(10);
        for (int i = 0; i < 10; ++i) from.send(i);
        std::vector<int> begun;
        async::try_timeout(5ms, [&] {
            auto take = [&](int i) {
                begun.push_back(i);
                async::event().wait();
                return i;
            };
            if (as_they_come)
                for (auto& one : async::as_completed(from, {.limit = 2}, take))
                    FAIL("nothing completes, but " << one.value);
            else
                async::for_each(from, {.limit = 2}, take);
        });
        CHECK(begun == std::vector{0, 1});
        CHECK(from.size() == 8);
    }
}

EFFECTS_IN_BOTH_WORLDS("tasks that wait for each other in a circle are told", "[async][task][error]") {
    async::task<int> a, b, c;
    std::string told;
    async::event all_there;
    auto gets = [&](async::task<int>& other) {
        all_there.wait();
        try {
            return other.get();
        } catch (std::logic_error const& e) {
            told = e.what();
            return 1;
        }
    };
    async::task_group([&](async::group& g) {
        a = g.spawn({.name = "a"}, [&] { return gets(b); });
        b = g.spawn({.name = "b"}, [&] { return gets(c); });
        c = g.spawn({.name = "c"}, [&] { return gets(a); });
        all_there.set();
    });
    CHECK_THAT(told, Catch::Contains(" can't wait for ") && Catch::EndsWith(" waits for it"));

    bool passed = false; // with a limit of time it is none
    async::task_group([&](async::group& g) {
        a = g.spawn([&] {
            async::yield();
            if (!async::try_timeout(1ms, [&] { return b.get(); })) passed = true;
            return 1;
        });
        b = g.spawn([&] { return a.get(); });
    });
    CHECK(passed);
}
