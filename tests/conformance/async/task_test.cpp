// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace async = effects::async;
using effects::perform;
using namespace std::chrono_literals;

namespace {

struct ask {
    using result_type = int;
};

// Suspends until the other tasks have had many turns, in no time.
void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

} // namespace

EFFECTS_IN_BOTH_WORLDS("a task group gives its body's value when its tasks have ended", "[async][group]") {
    int ended = 0;

    int value = async::task_group([&](async::group& g) {
        for (int i = 0; i < 3; ++i)
            g.spawn([&ended] {
                let_others_run();
                ++ended;
            });
        return 7;
    });

    CHECK(value == 7);
    CHECK(ended == 3);
}

EFFECTS_IN_BOTH_WORLDS("a spawned task runs at once, to its first suspension", "[async][group]") {
    std::string order;

    async::task_group([&](async::group& g) {
        for (char c : std::string("ab")) {
            g.spawn([&order, c] {
                order += c;
                async::yield();
                order += '.';
            });
            order += '|';
        }
    });

    CHECK(order == "a|b|..");
}

EFFECTS_IN_BOTH_WORLDS("a task that never suspends has ended when spawn returns", "[async][task]") {
    async::task_group([](async::group& g) {
        auto t = g.spawn([] { return 5; });

        CHECK(t.done());
        CHECK(g.size() == 0);
        CHECK(t.get() == 5);
    });
}

EFFECTS_IN_BOTH_WORLDS("get gives what the task returned, also what only moves, and references", "[async][task]") {
    static int object = 3;
    async::task_group([](async::group& g) {
        auto number = g.spawn([] {
            async::yield();
            return std::make_unique<int>(9);
        });
        auto reference = g.spawn([]() -> int& {
            async::yield();
            return object;
        });
        auto nothing = g.spawn([] { async::yield(); });

        CHECK(*number.get() == 9);
        CHECK(&reference.get() == &object);
        nothing.get();
        CHECK(nothing.done());
    });
}

EFFECTS_IN_BOTH_WORLDS("spawn copies its arguments, and moves those that are rvalues", "[async][group]") {
    async::task_group([](async::group& g) {
        std::string text = "before";
        auto owned = std::make_unique<int>(4);
        auto t = g.spawn(
            [](std::string s, std::unique_ptr<int> p) {
                async::yield();
                return s + std::to_string(*p);
            },
            text, std::move(owned));
        text = "after";

        CHECK(owned == nullptr);
        CHECK(t.get() == "before4");
    });
}

EFFECTS_IN_BOTH_WORLDS("the first exception of a task cancels its siblings and the body, and leaves the group",
                       "[async][group]") {
    std::vector<async::reason> reasons;
    auto wait = [&] {
        try {
            async::event().wait();
        } catch (async::cancelled const& c) {
            reasons.push_back(c.why());
            throw;
        }
    };

    CHECK_THROWS_WITH(async::task_group([&](async::group& g) {
                          g.spawn(wait);
                          g.spawn([] {
                              async::yield();
                              throw std::runtime_error("broken");
                          });
                          wait();
                      }),
                      "broken");

    CHECK(reasons == std::vector{async::reason::sibling_failed, async::reason::sibling_failed});
}

EFFECTS_IN_BOTH_WORLDS("an exception of the body cancels the tasks, and leaves when they have ended",
                       "[async][group]") {
    bool ended = false;

    CHECK_THROWS_WITH(async::task_group([&](async::group& g) {
                          g.spawn([&] {
                              try {
                                  async::event().wait();
                              } catch (async::cancelled const&) {
                                  async::shield(let_others_run);
                                  ended = true;
                                  throw;
                              }
                          });
                          throw std::runtime_error("body");
                      }),
                      "body");

    CHECK(ended);
}

EFFECTS_IN_BOTH_WORLDS("of two failures, the first one leaves the group", "[async][group]") {
    CHECK_THROWS_WITH(async::task_group([&](async::group& g) {
                          g.spawn([] {
                              try {
                                  async::event().wait();
                              } catch (async::cancelled const&) {
                                  throw std::runtime_error("second");
                              }
                          });
                          g.spawn([] { throw std::runtime_error("first"); });
                      }),
                      "first");
}

EFFECTS_IN_BOTH_WORLDS("an exception that is no std::exception crosses a group and get unchanged", "[async][group]") {
    CHECK_THROWS_AS(async::task_group([](async::group& g) {
                        auto t = g.spawn([] {
                            async::yield();
                            throw 42;
                        });
                        t.wait();
                        CHECK_THROWS_AS(t.get(), async::cancelled); // the body is cancelled as well by now
                    }),
                    int);
}

EFFECTS_IN_BOTH_WORLDS("get throws what the task threw, any number of times", "[async][task]") {
    async::task<int> t;

    CHECK_THROWS_AS(
        async::task_group([&](async::group& g) { t = g.spawn([]() -> int { throw std::range_error("x"); }); }),
        std::range_error);

    CHECK_THROWS_AS(t.get(), std::range_error);
    CHECK_THROWS_AS(t.get(), std::range_error);
}

EFFECTS_IN_BOTH_WORLDS("a second get says that the value is gone", "[async][task]") {
    async::task_group([](async::group& g) {
        auto t = g.spawn([] { return std::string("once"); });

        CHECK(t.get() == "once");
        CHECK_THROWS_AS(t.get(), std::logic_error);
    });
}

EFFECTS_IN_BOTH_WORLDS("an empty task handle says so", "[async][task]") {
    async::task<int> empty;
    CHECK_FALSE(static_cast<bool>(empty));
    CHECK_THROWS_AS(empty.get(), std::logic_error);
    CHECK_THROWS_AS(empty.wait(), std::logic_error);
    CHECK_THROWS_AS(empty.cancel(), std::logic_error);
}

EFFECTS_IN_BOTH_WORLDS("a cancelled task ends without failing its group, and get says that it was cancelled",
                       "[async][task]") {
    async::task_group([](async::group& g) {
        auto t = g.spawn({.name = "worker"}, [] {
            async::event().wait();
            return 1;
        });
        t.cancel(async::reason::shutdown);
        t.wait();

        try {
            t.get();
            FAIL("no exception");
        } catch (async::task_cancelled const& e) {
            CHECK(e.why() == async::reason::shutdown);
            CHECK(e.code() == std::errc::operation_canceled);
            CHECK(std::string(e.what()).find("worker was cancelled (shutdown)") != std::string::npos);
        }
    });
}

EFFECTS_IN_BOTH_WORLDS("cancelling a task that has ended changes nothing", "[async][task]") {
    async::task_group([](async::group& g) {
        auto t = g.spawn([] { return 3; });
        t.cancel();
        CHECK(t.get() == 3);
    });
}

EFFECTS_IN_BOTH_WORLDS("a cancelled group ends normally", "[async][group]") {
    int cancelled = 0;
    auto wait = [&] {
        try {
            async::event().wait();
        } catch (async::cancelled const&) {
            ++cancelled;
            throw;
        }
    };

    async::task_group([&](async::group& g) {
        g.spawn(wait);
        g.spawn(wait);
        g.cancel();
    });

    CHECK(cancelled == 2);
}

EFFECTS_IN_BOTH_WORLDS("a task may cancel its own group", "[async][group]") {
    bool went_on = false;

    async::task_group([&](async::group& g) {
        g.spawn([&] {
            async::yield();
            g.cancel();
            async::yield();
            went_on = true;
        });
        g.spawn([] { async::event().wait(); });
        async::event().wait();
    });

    CHECK_FALSE(went_on);
}

EFFECTS_IN_BOTH_WORLDS("a group whose body was cut short before its value ends with cancelled", "[async][group]") {
    CHECK_THROWS_AS(async::task_group([](async::group& g) {
                        g.cancel();
                        async::yield();
                        return 1;
                    }),
                    async::cancelled);
}

EFFECTS_IN_BOTH_WORLDS("what is spawned in a cancelled group ends at its first suspension point", "[async][group]") {
    bool began = false, went_on = false;

    async::task_group([&](async::group& g) {
        g.cancel();
        g.spawn([&] {
            began = true;
            async::yield();
            went_on = true;
        });
    });

    CHECK(began);
    CHECK_FALSE(went_on);
}

EFFECTS_IN_BOTH_WORLDS("tasks spawn more tasks after the group's body has returned", "[async][group]") {
    int ended = 0;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            let_others_run();
            for (int i = 0; i < 3; ++i)
                g.spawn([&] {
                    async::yield();
                    ++ended;
                });
        });
    });
    CHECK(ended == 3);
}

EFFECTS_IN_BOTH_WORLDS("a task handle may outlive its group", "[async][task]") {
    async::task<std::string> t;
    async::task_group([&](async::group& g) {
        t = g.spawn([] {
            async::yield();
            return std::string("kept");
        });
    });
    CHECK(t.done());
    CHECK(t.get() == "kept");
}

EFFECTS_IN_BOTH_WORLDS("wait tells nothing of how the task ended", "[async][task]") {
    async::task_group([](async::group& g) {
        auto t = g.spawn([] { async::event().wait(); });
        t.cancel();
        t.wait();
        CHECK(t.done());
    });
}

EFFECTS_IN_BOTH_WORLDS("a task that waits for itself is told so", "[async][task]") {
    async::task_group([](async::group& g) {
        async::task<void> self;
        auto told = std::make_shared<bool>(false);
        async::event go;
        self = g.spawn([&self, &go, told] {
            go.wait();
            CHECK_THROWS_AS(self.get(), std::logic_error);
            *told = true;
        });
        go.set();
        async::task<void>* outlives = &self;
        while (!outlives->done()) async::yield();
        CHECK(*told);
    });
}

EFFECTS_IN_BOTH_WORLDS("a task that waits for one that waits for it is told so", "[async][task]") {
    async::task<void> outer;
    async::event go;
    bool told = false;
    async::task_group([&](async::group& g) {
        outer = g.spawn([&] {
            go.wait();
            async::task_group([&](async::group& inner) {
                inner.spawn([&] {
                    CHECK_THROWS_AS(outer.get(), std::logic_error);
                    told = true;
                });
            });
        });
        go.set();
    });
    CHECK(told);
}

EFFECTS_IN_BOTH_WORLDS("a failure stays within its group", "[async][group]") {
    int value = async::task_group([](async::group& g) {
        auto other = g.spawn([] {
            let_others_run();
            return 5;
        });
        CHECK_THROWS_AS(async::task_group([](async::group& inner) { inner.spawn([] { throw 1; }); }), int);
        return other.get();
    });
    CHECK(value == 5);
}

EFFECTS_IN_BOTH_WORLDS("tasks run under the handlers in force where their group was made", "[async][group][handlers]") {
    auto answers = [](int n) { return effects::on<ask>([n](ask const&) { return n; }); };

    effects::handle(
        [&] {
            async::task_group([&](async::group& g) {
                effects::handle(
                    [&] {
                        auto t = g.spawn([] {
                            int at_once = perform(ask{});
                            async::yield();
                            return at_once * 10 + perform(ask{});
                        });
                        CHECK(t.get() == 11);
                        CHECK(perform(ask{}) == 2);
                    },
                    answers(2));
            });
        },
        answers(1));
}

EFFECTS_IN_BOTH_WORLDS("a handler inside a task is the task's own, over suspensions", "[async][handlers]") {
    std::vector<int> seen;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 3; ++i)
            g.spawn([&seen, i] {
                effects::handle(
                    [&] {
                        let_others_run();
                        seen.push_back(perform(ask{}) == i);
                    },
                    effects::on<ask>([i](ask const&) {
                        async::yield();
                        return i;
                    }));
            });
    });
    CHECK(seen == std::vector{1, 1, 1});
}

EFFECTS_IN_BOTH_WORLDS("a control clause outside a group captures neither its tasks nor its body",
                       "[async][group][handlers]") {
    int refused = 0;
    auto attempt = [&] {
        CHECK_THROWS_AS(perform(ask{}), effects::capture_across_task);
        ++refused;
    };
    effects::handle(
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    attempt();
                    async::yield();
                    attempt();
                });
                attempt();
            });
            return 0;
        },
        effects::control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
    CHECK(refused == 3);
}

EFFECTS_IN_BOTH_WORLDS("a control clause within a task works, its body suspends, and so does the clause",
                       "[async][handlers]") {
    int value = async::task_group([](async::group& g) {
        auto t = g.spawn([] {
            return effects::handle(
                [] {
                    async::yield();
                    int first = perform(ask{});
                    async::yield();
                    return first + perform(ask{});
                },
                effects::control<ask>([](ask, auto k) {
                    async::yield();
                    return std::move(k).resume(20) + 1;
                }));
        });
        return t.get();
    });
    CHECK(value == 42);
}

EFFECTS_IN_BOTH_WORLDS("an aborts clause outside a group gives up its tasks and its body", "[async][group][handlers]") {
    bool sibling_cancelled = false;
    int value = effects::handle(
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn([&] {
                    try {
                        async::event().wait();
                    } catch (async::cancelled const&) {
                        sibling_cancelled = true;
                        throw;
                    }
                });
                g.spawn([] {
                    async::yield();
                    perform(ask{});
                    FAIL("not reached");
                });
            });
            return 1;
        },
        effects::aborts<ask>([](ask const&) { return 2; }));
    CHECK(value == 2);
    CHECK(sibling_cancelled);
}

EFFECTS_IN_BOTH_WORLDS("what one task captured, another resumes, and it suspends there", "[async][handlers]") {
    async::channel<effects::resumption<ask, int>> handed(1);
    std::string order;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            int answer = effects::handle(
                [&] {
                    order += 'a';
                    int n = perform(ask{});
                    async::yield();
                    order += 'c';
                    return n * 2;
                },
                effects::control<ask>([&](ask, effects::resumption<ask, int> k) {
                    handed.send(std::move(k));
                    return -1;
                }));
            CHECK(answer == -1);
            order += 'b';
        });
        g.spawn([&] {
            auto k = handed.receive();
            let_others_run();
            CHECK(std::move(*k).resume(21) == 42);
        });
    });
    CHECK(order == "abc");
}

EFFECTS_IN_BOTH_WORLDS("a task that is cancelled while it keeps a resumption unwinds what that holds",
                       "[async][handlers][cancel]") {
    std::string order;
    struct note {
        std::string& order;
        char c;
        ~note() { order += c; }
    };
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            effects::resumption<ask, int> kept;
            effects::handle(
                [&] {
                    note n{order, 'x'};
                    return perform(ask{});
                },
                effects::control<ask>([&](ask, effects::resumption<ask, int> k) {
                    kept = std::move(k);
                    return 0;
                }));
            note n{order, 'y'};
            async::event().wait();
        });
        g.cancel();
    });
    CHECK(order == "yx");
}

EFFECTS_IN_BOTH_WORLDS("a cancelled that a task throws itself is a failure", "[async][group]") {
    CHECK_THROWS_AS(async::task_group([](async::group& g) {
                        g.spawn([] { throw async::cancelled(async::reason::requested); });
                        async::event().wait();
                    }),
                    async::cancelled);
}

EFFECTS_IN_BOTH_WORLDS("paths name tasks by their order of making, or as they are told", "[async][task]") {
    auto path = [] { return async::detail::current_task().path(); };
    std::vector<std::string> seen;
    seen.push_back(path());
    async::task_group([&](async::group& g) {
        g.spawn([&] { seen.push_back(path()); });
        g.spawn({.name = "reader"},
                [&] { async::task_group([&](async::group& inner) { inner.spawn([&] { seen.push_back(path()); }); }); });
        g.spawn([&] { seen.push_back(path()); });
    });
    CHECK(seen == std::vector<std::string>{"main", "main/1", "main/reader/1", "main/3"});
}

EFFECTS_IN_BOTH_WORLDS("a path outlives the tasks that it names", "[async][task]") {
    std::string path;
    async::task_group([&](async::group& g) {
        g.spawn({.name = "short"}, [&] {
            g.spawn([&] {
                let_others_run();
                path = async::detail::current_task().path();
            });
        });
    });
    CHECK(path == "main/short/1");
}

EFFECTS_IN_BOTH_WORLDS("a thousand tasks wait beside each other and all end", "[async][group]") {
    async::event go;
    int ended = 0;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 1000; ++i)
            g.spawn([&] {
                go.wait();
                ++ended;
            });
        CHECK(g.size() == 1000);
        go.set();
    });
    CHECK(ended == 1000);
}

EFFECTS_IN_BOTH_WORLDS("groups nest deep, and a cancellation reaches the innermost", "[async][group][cancel]") {
    bool cancelled = false;
    auto nest = [&](auto& self, int depth) -> void {
        if (depth == 0) {
            try {
                async::event().wait();
            } catch (async::cancelled const&) {
                cancelled = true;
                throw;
            }
        }
        async::task_group([&](async::group& g) { g.spawn([&] { self(self, depth - 1); }); });
    };
    async::task_group([&](async::group& g) {
        g.spawn([&] { nest(nest, 100); });
        g.cancel();
    });
    CHECK(cancelled);
}

EFFECTS_IN_BOTH_WORLDS("each task handles its own exception: throw; after a suspension rethrows it", "[async][task]") {
    std::string seen;
    async::task_group([&](async::group& g) {
        for (std::string text : {"a", "b", "c"})
            g.spawn([&seen, text] {
                try {
                    try {
                        throw std::runtime_error(text);
                    } catch (...) {
                        let_others_run();
                        throw;
                    }
                } catch (std::runtime_error const& e) {
                    seen += e.what() == text ? "=" : "!";
                }
            });
    });
    CHECK(seen == "===");
}
