// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace async = effects::async;
using Catch::Contains;
using effects::perform;
using namespace std::chrono_literals;

namespace {

struct ask {
    using result_type = int;
};

void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

// Runs `f` as a task that is cancelled where it first waits.
template <class F>
void cancelled_where_it_waits(F f, async::reason why = async::reason::requested) {
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&f] { f(); });
        t.cancel(why);
    });
}

} // namespace

EFFECTS_IN_BOTH_WORLDS("a cancellation arrives where the task waits, with its reason, and runs destructors",
                       "[async][cancel]") {
    std::string order;
    struct note {
        std::string& order;
        ~note() { order += 'd'; }
    };

    cancelled_where_it_waits(
        [&] {
            try {
                note n{order};
                async::event().wait();
                order += '!';
            } catch (async::cancelled const& c) {
                order += async::to_string(c.why());
                throw;
            }
        },
        async::reason::shutdown);

    CHECK(order == "dshutdown");
}

EFFECTS_IN_BOTH_WORLDS("a cancellation that is swallowed comes again at the next suspension point", "[async][cancel]") {
    int caught = 0;
    cancelled_where_it_waits([&] {
        for (int i = 0; i < 5; ++i) {
            try {
                async::event().wait();
            } catch (...) {
                ++caught;
            }
        }
    });
    CHECK(caught == 5);
}

EFFECTS_IN_BOTH_WORLDS("every call that may suspend throws in a cancelled task, also where it need not wait",
                       "[async][cancel]") {
    int thrown = 0;
    async::task_group([&](async::group& g) {
        auto done = g.spawn([] { return 1; });
        g.cancel();
        async::event set;
        set.set();
        async::semaphore free(1);
        async::mutex unlocked;
        async::channel<int> filled(2);
        REQUIRE(filled.try_send(1));
        async::promise<int> kept;
        kept.set_value(1);
        async::barrier alone(1);
        auto throws = [&](auto f) {
            CHECK_THROWS_AS(f(), async::cancelled);
            ++thrown;
        };
        throws([] { async::yield(); });
        throws([] { async::checkpoint(); });
        throws([] { async::sleep_for(0s); });
        throws([] { async::sleep_for(1h); });
        throws([&] { set.wait(); });
        throws([&] { (void)free.acquire(); });
        throws([&] { (void)unlocked.lock(); });
        throws([&] { (void)filled.receive(); });
        throws([&] { filled.send(2); });
        throws([&] { (void)kept.get(); });
        throws([&] { (void)alone.arrive_and_wait(); });
        throws([&] { done.wait(); });
        throws([&] { async::blocking([] {}); });
        CHECK(filled.size() == 1);
        CHECK(free.available() == 1);
        CHECK_FALSE(unlocked.is_locked());
        CHECK(done.done());
    });
    CHECK(thrown == 13);
}

EFFECTS_IN_BOTH_WORLDS("what never suspends works in a cancelled task", "[async][cancel]") {
    async::task_group([&](async::group& g) {
        g.cancel();
        async::channel<int> c(1);
        CHECK(c.try_send(1));
        CHECK(c.try_receive() == 1);
        async::semaphore s(1);
        CHECK(s.try_acquire());
        async::mutex m;
        CHECK(m.try_lock());
    });
}

EFFECTS_IN_BOTH_WORLDS("destructors may perform operations that are answered in place while a task is cancelled",
                       "[async][cancel]") {
    struct asks {
        int& into;
        ~asks() { into = perform(ask{}); }
    };
    int answer = 0;
    effects::handle(
        [&] {
            cancelled_where_it_waits([&] {
                asks a{answer};
                async::event().wait();
            });
        },
        [](ask const&) { return 8; });
    CHECK(answer == 8);
}

EFFECTS_IN_BOTH_WORLDS("a shield keeps a cancellation off, which arrives after it", "[async][cancel][shield]") {
    std::string order;
    cancelled_where_it_waits([&] {
        try {
            async::shield([&] {
                let_others_run();
                order += 'a';
            });
            order += 'b';
            async::yield();
            order += '!';
        } catch (async::cancelled const&) {
            order += 'c';
        }
    });
    CHECK(order == "abc");
}

EFFECTS_IN_BOTH_WORLDS("clean-up that suspends works in a shield, also in a destructor", "[async][cancel][shield]") {
    int cleaned = 0;
    struct cleaner {
        int& cleaned;
        ~cleaner() {
            async::shield(let_others_run);
            ++cleaned;
        }
    };
    cancelled_where_it_waits([&] {
        cleaner c{cleaned};
        try {
            async::event().wait();
        } catch (async::cancelled const&) {
            async::shield(let_others_run);
            ++cleaned;
            throw;
        }
    });
    CHECK(cleaned == 2);
}

EFFECTS_IN_BOTH_WORLDS("a shield gives the value, and what is cancelled inside it is", "[async][cancel][shield]") {
    cancelled_where_it_waits([] {
        CHECK(async::shield([] { return 4; }) == 4);
        bool inner = false;
        async::shield([&] {
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    try {
                        async::event().wait();
                    } catch (async::cancelled const&) {
                        inner = true;
                        throw;
                    }
                });
                let_others_run();
                CHECK_FALSE(inner);
                g.cancel();
            });
        });
        CHECK(inner);
        CHECK_FALSE(async::shield([] { return async::try_timeout(1ms, [] { async::event().wait(); }); }));
    });
}

EFFECTS_IN_BOTH_WORLDS("the first reason of a cancellation stays", "[async][cancel]") {
    std::optional<async::reason> why;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            try {
                async::event().wait();
            } catch (async::cancelled const& c) {
                why = c.why();
                throw;
            }
        });
        t.cancel(async::reason::shutdown);
        t.cancel(async::reason::requested);
        g.cancel(async::reason::lost_race);
    });
    CHECK(why == async::reason::shutdown);
}

EFFECTS_IN_BOTH_WORLDS("a group that was cut short from outside does not end as if its work were done",
                       "[async][cancel][group]") {
    bool went_on = false;
    cancelled_where_it_waits([&] {
        async::task_group([&](async::group& g) { g.spawn([] { async::event().wait(); }); });
        went_on = true;
    });
    CHECK_FALSE(went_on);
}

EFFECTS_IN_BOTH_WORLDS("a group whose tasks all finish in spite of a cancellation gives its value",
                       "[async][cancel][group]") {
    int value = 0;
    cancelled_where_it_waits([&] {
        value = async::task_group([&](async::group& g) {
            auto t = g.spawn([] {
                return async::shield([] {
                    let_others_run();
                    return 6;
                });
            });
            return async::shield([&] { return t.get(); });
        });
    });
    CHECK(value == 6);
}

EFFECTS_IN_BOTH_WORLDS("a task that was woken and cancelled at once was woken", "[async][cancel]") {
    bool woken = false;
    async::task_group([&](async::group& g) {
        async::event e;
        auto shared = std::make_shared<async::event>();
        auto t = g.spawn([&woken, shared] {
            shared->wait();
            woken = true;
            async::yield();
            FAIL("not reached");
        });
        shared->set();
        t.cancel();
    });
    CHECK(woken);
}

EFFECTS_IN_BOTH_WORLDS("blocking gives the value, throws the exception, and is waited for when cancelled",
                       "[async][blocking]") {
    CHECK(async::blocking([] { return 5; }) == 5);
    CHECK_THROWS_AS(async::blocking([]() -> int { throw std::out_of_range("x"); }), std::out_of_range);
    std::atomic<bool> begun = false, finished = false;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            async::blocking([&] {
                begun = true;
                finished = true;
            });
        });
        g.cancel();
    });
    CHECK(begun == finished);
}

EFFECTS_IN_BOTH_WORLDS("blocking work performs nothing and waits for nothing: it has no handlers and is no task",
                       "[async][blocking]") {
    async::event unset, set;
    set.set();
    int clauses = 0;
    effects::handle(
        [&] {
            CHECK_THROWS_AS(async::blocking([] { return perform(ask{}); }), effects::unhandled_operation);
            CHECK_THROWS_WITH(async::blocking([] { return perform(ask{}); }),
                              Contains("the function given to async::blocking"));
            CHECK_THROWS_AS(async::blocking([&] { unset.wait(); }), std::logic_error);
            CHECK_THROWS_AS(async::blocking([] { async::yield(); }), std::logic_error);
            CHECK_THROWS_AS(async::blocking([] { async::sleep_for(1h); }), std::logic_error);
            CHECK_THROWS_AS(async::blocking([] { async::task_group([](async::group&) {}); }), std::logic_error);
            CHECK(async::blocking([] { // what it handles itself it may
                      return effects::handle([] { return perform(ask{}); }, [](ask) { return 2; });
                  }) == 2);
            CHECK(async::blocking([] { return async::blocking([] { return 3; }); }) == 3);
            CHECK(perform(ask{}) == 1); // and afterwards everything is as it was
            set.wait();
            async::yield();
        },
        [&](ask) { return ++clauses; });
    CHECK(clauses == 1);
}

EFFECTS_IN_BOTH_WORLDS("other tasks may run while one is in blocking work", "[async][blocking]") {
    int others = 0;
    async::task_group([&](async::group& g) {
        g.spawn({.daemon = true}, [&] {
            for (;;) {
                async::yield();
                ++others;
            }
        });
        for (int i = 0; i < 100; ++i) async::blocking([] {});
    });
    CHECK(others > 0);
}

EFFECTS_IN_BOTH_WORLDS("blocking work is not begun in a task that is cancelled already, or out of time",
                       "[async][blocking][cancel]") {
    int begun = 0;
    async::task_group([&](async::group& g) {
        g.cancel();
        for (int i = 0; i < 2; ++i)
            CHECK_THROWS_AS(async::blocking([&] { ++begun; }, [] { FAIL("there is nothing to interrupt"); }),
                            async::cancelled);
        CHECK(begun == 0);
        async::shield([&] { async::blocking([&] { ++begun; }); }); // what has to be done is done
        CHECK(begun == 1);
    });
    CHECK_FALSE(async::try_timeout(0s, [&] { async::blocking([&] { ++begun; }); }));
    CHECK(begun == 1);
}

EFFECTS_IN_BOTH_WORLDS("blocking work that a body asks for while it is dropped is done before the body is gone",
                       "[async][blocking]") {
    int done = 0;
    auto drop = [](auto body) { return effects::handle(body, effects::control<ask>([](ask, auto) { return 1; })); };
    for (int i = 0; i < 20; ++i) {
        CHECK(drop([&]() -> int { // in a clean-up that goes on unwinding
                  try {
                      return perform(ask{});
                  } catch (...) {
                      std::string text(100, 'x');
                      async::blocking([&] { done += text == std::string(100, 'x') ? 1 : 100; });
                      throw;
                  }
              }) == 1);
        CHECK(drop([&]() -> int { // in a body that swallows it, out of the reach of cancellations
                  try {
                      return perform(ask{});
                  } catch (...) {
                  }
                  return async::shield([&] { return async::blocking([&] { return ++done; }); });
              }) == 1);
        CHECK(drop([&]() -> int { // in a destructor
                  struct cleaning {
                      int& done;
                      ~cleaning() {
                          async::blocking([this] { ++done; });
                      }
                  } const at_the_end{done};
                  return perform(ask{});
              }) == 1);
        async::yield();
    }
    CHECK(done == 60);
}

// ---- timeouts ----

EFFECTS_IN_BOTH_WORLDS("what ends in time gives its value", "[async][timeout]") {
    CHECK(async::timeout(1h, [] {
              let_others_run();
              return 3;
          }) == 3);
    CHECK(async::try_timeout(1h, [] { return 3; }) == 3);
    CHECK(async::try_timeout(1h, [] {}) == effects::unit{});
    async::timeout(1h, [] {});
}

EFFECTS_IN_BOTH_WORLDS("a timeout says what took too long, its limit and what passed", "[async][timeout]") {
    try {
        async::timeout(1ms, "waiting for Godot", [] { async::event().wait(); });
        FAIL("no exception");
    } catch (async::timed_out const& e) {
        CHECK(e.phase() == "waiting for Godot");
        CHECK(e.limit() == 1ms);
        CHECK(e.elapsed() >= 1ms);
        CHECK(e.code() == std::errc::timed_out);
        CHECK(std::string(e.what()).find("waiting for Godot: ") == 0);
        CHECK(std::string(e.what()).find("(limit 1 ms)") != std::string::npos);
    }
}

EFFECTS_IN_BOTH_WORLDS("try_timeout is empty when the time is over", "[async][timeout]") {
    std::optional<int> nothing = async::try_timeout(1ms, [] {
        async::event().wait();
        return 1;
    });
    CHECK_FALSE(nothing);
}

EFFECTS_IN_BOTH_WORLDS("of nested timeouts the earliest one expires, and only that", "[async][timeout]") {
    bool went_on = false;
    async::timeout(1h, [&] {
        CHECK_THROWS_AS(async::timeout(1ms, [] { async::event().wait(); }), async::timed_out);
        async::yield();
        went_on = true;
    });
    CHECK(went_on);

    try {
        async::timeout(1ms, "outer", [] { async::timeout(1h, "inner", [] { async::event().wait(); }); });
        FAIL("no exception");
    } catch (async::timed_out const& e) {
        CHECK(e.phase() == "outer");
    }
}

EFFECTS_IN_BOTH_WORLDS("of nested timeouts that end together the outer one is thrown", "[async][timeout]") {
    try {
        async::timeout(0s, "outer", [] { async::timeout(0s, "inner", [] { async::yield(); }); });
        FAIL("no exception");
    } catch (async::timed_out const& e) {
        CHECK(e.phase() == "outer");
    }
}

EFFECTS_IN_BOTH_WORLDS("a limit of zero or less expires at the first suspension point, not before",
                       "[async][timeout]") {
    CHECK(async::timeout(0s, [] { return 1; }) == 1);
    bool began = false;
    CHECK_THROWS_AS(async::timeout(-1s,
                                   [&] {
                                       began = true;
                                       async::yield();
                                       FAIL("not reached");
                                   }),
                    async::timed_out);
    CHECK(began);
}

EFFECTS_IN_BOTH_WORLDS("a limit beyond all times is none", "[async][timeout]") {
    CHECK(async::timeout(std::chrono::hours::max(), [] {
              async::yield();
              return async::deadline();
          }) == async::never);
}

EFFECTS_IN_BOTH_WORLDS("a cancellation from outside wins over a timeout that expires", "[async][timeout][cancel]") {
    std::optional<async::reason> why;
    cancelled_where_it_waits(
        [&] {
            try {
                async::timeout(0s, [] {
                    async::shield([] { async::yield(); });
                    async::yield();
                });
            } catch (async::cancelled const& c) {
                why = c.why();
                throw;
            }
        },
        async::reason::shutdown);
    CHECK(why == async::reason::shutdown);
}

EFFECTS_IN_BOTH_WORLDS("a timeout around a group cancels its tasks and waits for them", "[async][timeout][group]") {
    int ended = 0;
    CHECK_THROWS_AS(async::timeout(1ms,
                                   [&] {
                                       async::task_group([&](async::group& g) {
                                           for (int i = 0; i < 3; ++i)
                                               g.spawn([&] {
                                                   try {
                                                       async::event().wait();
                                                   } catch (async::cancelled const& c) {
                                                       CHECK(c.why() == async::reason::timed_out);
                                                       async::shield(let_others_run);
                                                       ++ended;
                                                       throw;
                                                   }
                                               });
                                       });
                                   }),
                    async::timed_out);
    CHECK(ended == 3);
}

EFFECTS_IN_BOTH_WORLDS("a timeout in a task ends that task's work only", "[async][timeout][group]") {
    int value = async::task_group([](async::group& g) {
        auto slow = g.spawn([] {
            return async::try_timeout(1ms, [] {
                async::event().wait();
                return 1;
            });
        });
        auto fast = g.spawn([] {
            async::sleep_for(2ms);
            return 2;
        });
        CHECK_FALSE(slow.get());
        return fast.get();
    });
    CHECK(value == 2);
}

EFFECTS_IN_BOTH_WORLDS("a deadline ends a loop of short waits", "[async][timeout]") {
    CHECK_THROWS_AS(async::timeout(1ms,
                                   [] {
                                       for (;;) async::sleep_for(100us);
                                   }),
                    async::timed_out);
}

#ifdef EFFECTS_TEST_LIVE
TEST_CASE("a deadline ends a task that only yields, in live", "[async][timeout][live]") {
    effects::live::run({.handle_signals = false}, [] {
        CHECK_THROWS_AS(async::timeout(1ms,
                                       [] {
                                           for (;;) async::yield();
                                       }),
                        async::timed_out);
    });
}
#endif

EFFECTS_IN_BOTH_WORLDS("deadline() is the earliest one around, also from within a task; a shield hides those outside",
                       "[async][timeout]") {
    CHECK(async::deadline() == async::never);
    async::timeout(2h, [] {
        auto two = async::deadline();
        CHECK(two != async::never);
        async::timeout(1h, [&] {
            auto one = async::deadline();
            CHECK(one < two);
            async::timeout(3h, [&] { CHECK(async::deadline() == one); });
            async::task_group([&](async::group& g) {
                g.spawn([&] { CHECK(async::deadline() == one); });
                g.spawn([&] { async::timeout(1min, [&] { CHECK(async::deadline() < one); }); });
            });
            async::shield([&] {
                CHECK(async::deadline() == async::never);
                async::timeout(1min, [&] { CHECK(async::deadline() < one); });
            });
        });
        CHECK(async::deadline() == two);
    });
}

EFFECTS_IN_BOTH_WORLDS("a deadline that passes during a shield cancels what lies outside it in time",
                       "[async][timeout][shield]") {
    bool child_cancelled = false, child_was = false;
    CHECK_THROWS_AS(async::timeout(1ms,
                                   [&] {
                                       async::task_group([&](async::group& g) {
                                           g.spawn([&] {
                                               try {
                                                   async::event().wait();
                                               } catch (async::cancelled const&) {
                                                   child_cancelled = true;
                                                   throw;
                                               }
                                           });
                                           async::shield([&] {
                                               async::sleep_for(3ms);
                                               child_was = child_cancelled;
                                           });
                                           async::event().wait();
                                       });
                                   }),
                    async::timed_out);
    CHECK(child_was);
}

EFFECTS_IN_BOTH_WORLDS("a value that came too late, but came, is given", "[async][timeout]") {
    int value = async::timeout(1ms, [] {
        async::shield([] { async::sleep_for(2ms); });
        return 7;
    });
    CHECK(value == 7);
}

EFFECTS_IN_BOTH_WORLDS("an exception of the body passes a timeout", "[async][timeout]") {
    CHECK_THROWS_AS(async::timeout(1h, [] { throw std::domain_error("x"); }), std::domain_error);
    CHECK_THROWS_AS(async::try_timeout(1h, []() -> int { throw std::domain_error("x"); }), std::domain_error);
}

// ---- scopes in bodies that a control clause captures ----

EFFECTS_IN_BOTH_WORLDS("a timeout in a captured body is left with it, and goes on when it is resumed",
                       "[async][timeout][handlers]") {
    effects::resumption<ask, int> kept;
    effects::handle(
        [] {
            CHECK_THROWS_AS(async::timeout(1ms,
                                           [] {
                                               perform(ask{});
                                               async::event().wait();
                                           }),
                            async::timed_out);
            async::yield();
            return 1;
        },
        effects::control<ask>([&](ask, effects::resumption<ask, int> k) {
            kept = std::move(k);
            return 0;
        }));

    CHECK(async::deadline() == async::never);
    async::sleep_for(2ms); // its deadline passes, and is nobody's here

    CHECK(std::move(kept).resume(1) == 1);
}

EFFECTS_IN_BOTH_WORLDS("a captured timeout that is dropped leaves the others as they are",
                       "[async][timeout][handlers]") {
    effects::resumption<ask, int> kept;
    effects::handle(
        [] { return async::timeout(1ms, [] { return async::timeout(1h, [] { return perform(ask{}); }); }); },
        effects::control<ask>([&](ask, effects::resumption<ask, int> k) {
            kept = std::move(k);
            return 0;
        }));

    int value = async::timeout(1h, [&] {
        auto before = async::deadline();
        kept = {};
        CHECK(async::deadline() == before);
        async::sleep_for(2ms);
        return 5;
    });

    CHECK(value == 5);
    CHECK(async::deadline() == async::never);
}

EFFECTS_IN_BOTH_WORLDS("what is resumed in another task is cancelled with that one",
                       "[async][timeout][handlers][cancel]") {
    std::optional<async::reason> why;
    async::task_group([&](async::group& g) {
        effects::resumption<ask, int> kept;
        auto shared = std::make_shared<effects::resumption<ask, int>>();
        g.spawn([&why, shared] {
            effects::handle(
                [&why] {
                    return async::timeout(1h, [&] {
                        perform(ask{});
                        try {
                            async::event().wait();
                        } catch (async::cancelled const& c) {
                            why = c.why();
                            throw;
                        }
                        return 0;
                    });
                },
                effects::control<ask>([shared](ask, effects::resumption<ask, int> k) {
                    *shared = std::move(k);
                    return 0;
                }));
        });
        auto second = g.spawn([shared] { std::move(*shared).resume(1); });
        second.cancel(async::reason::shutdown);
    });
    CHECK(why == async::reason::shutdown);
}

EFFECTS_IN_BOTH_WORLDS("what a cancelled task captured is not cancelled where it is resumed",
                       "[async][timeout][handlers][cancel]") {
    auto shared = std::make_shared<effects::resumption<ask, int>>();
    bool finished = false;
    async::task_group([&](async::group& g) {
        auto first = g.spawn([&finished, shared] {
            effects::handle(
                [&finished] {
                    async::timeout(1h, [&] {
                        try {
                            async::event().wait();
                        } catch (async::cancelled const&) {
                        }
                        perform(ask{});
                        async::yield();
                        finished = true;
                    });
                    return 1;
                },
                effects::control<ask>([shared](ask, effects::resumption<ask, int> k) {
                    *shared = std::move(k);
                    return 0;
                }));
        });
        first.cancel();
        first.wait();
        auto second = g.spawn([shared] { return std::move(*shared).resume(1); });
        CHECK(second.get() == 1);
    });
    CHECK(finished);
}

EFFECTS_IN_BOTH_WORLDS("a control clause that resumes at once works across timeouts and shields",
                       "[async][timeout][shield][handlers]") {
    int value = effects::handle(
        [] {
            return async::timeout(1h, [] {
                int a = async::shield([] { return perform(ask{}); });
                async::yield();
                return a + async::timeout(1h, [] { return perform(ask{}); });
            });
        },
        effects::control<ask>([](ask, auto k) { return std::move(k).resume(10) + 1; }));
    CHECK(value == 22);
    CHECK(async::deadline() == async::never);
}

EFFECTS_IN_BOTH_WORLDS("a cancelled task's captured body is still shielded where it was",
                       "[async][shield][handlers][cancel]") {
    bool finished = false;
    cancelled_where_it_waits([&] {
        effects::handle(
            [&] {
                async::shield([&] {
                    async::yield();
                    perform(ask{});
                    let_others_run();
                    finished = true;
                });
                return 0;
            },
            effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
    });
    CHECK(finished);
}
