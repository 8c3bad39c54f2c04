// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;

EFFECTS_IN_BOTH_WORLDS("a daemon is cancelled once the body and the other tasks have ended", "[async][daemon]") {
    std::vector<std::string> order;
    std::optional<async::reason> why;
    int value = async::task_group([&](async::group& g) {
        g.spawn({.name = "refresher", .daemon = true}, [&] {
            try {
                for (;;) async::sleep_for(1ms);
            } catch (async::cancelled const& c) {
                why = c.why();
                async::shield([] { async::yield(); });
                order.push_back("daemon");
                throw;
            }
        });
        g.spawn([&] {
            async::sleep_for(5ms);
            order.push_back("worker");
        });
        CHECK(g.size() == 2);
        order.push_back("body");
        return 4;
    });
    CHECK(value == 4);
    CHECK(order == std::vector<std::string>{"body", "worker", "daemon"});
    CHECK(why == async::reason::group_ended);
}

EFFECTS_IN_BOTH_WORLDS("a group of daemons alone ends with its body; one that ends by itself is no more than a task",
                       "[async][daemon]") {
    int ended = 0;
    async::task_group([&](async::group& g) {
        for (int i = 0; i < 10; ++i)
            g.spawn({.daemon = true}, [&] {
                struct count {
                    int& n;
                    ~count() { ++n; }
                } one{ended};
                async::event().wait();
            });
        auto quick = g.spawn({.daemon = true}, [] { return 3; });
        CHECK(quick.get() == 3);
        CHECK(g.size() == 10);
    });
    CHECK(ended == 10);
}

EFFECTS_IN_BOTH_WORLDS("a daemon's failure cancels its siblings and leaves the group, also while it ends",
                       "[async][daemon]") {
    std::optional<async::reason> why;
    CHECK_THROWS_WITH(async::task_group([&](async::group& g) {
                          g.spawn({.daemon = true}, [] {
                              async::yield();
                              throw std::runtime_error("refresher broke");
                          });
                          try {
                              async::event().wait();
                          } catch (async::cancelled const& c) {
                              why = c.why();
                              throw;
                          }
                      }),
                      "refresher broke");
    CHECK(why == async::reason::sibling_failed);

    CHECK_THROWS_WITH(async::task_group([&](async::group& g) {
                          g.spawn({.daemon = true}, [] {
                              try {
                                  async::event().wait();
                              } catch (async::cancelled const&) {
                                  throw std::runtime_error("did not end well");
                              }
                          });
                      }),
                      "did not end well");
}

EFFECTS_IN_BOTH_WORLDS("a daemon that spawns while it ends has its tasks cancelled and joined, too",
                       "[async][daemon]") {
    int ended = 0;
    async::task_group([&](async::group& g) {
        g.spawn({.daemon = true}, [&] {
            try {
                async::event().wait();
            } catch (async::cancelled const&) {
                g.spawn([&] {
                    struct count {
                        int& n;
                        ~count() { ++n; }
                    } one{ended};
                    async::shield([] { async::sleep_for(1ms); });
                    async::event().wait();
                });
                throw;
            }
        });
    });
    CHECK(ended == 1);
}

EFFECTS_IN_BOTH_WORLDS("a cancellation that cut only daemons short lets the group's value out",
                       "[async][daemon][cancel]") {
    int value = 0;
    bool cancelled = false;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            try {
                value = async::task_group([](async::group& inner) {
                    inner.spawn({.daemon = true}, [] { async::event().wait(); });
                    async::shield([] { async::sleep_for(2ms); });
                    return 5;
                });
                async::checkpoint();
            } catch (async::cancelled const&) {
                cancelled = true;
                throw;
            }
        });
        async::yield();
        t.cancel();
    });
    CHECK(value == 5);
    CHECK(cancelled);
}

EFFECTS_IN_BOTH_WORLDS("a cancellation that cut a task short is thrown, though a daemon ends after that",
                       "[async][daemon][cancel]") {
    bool went_on = false;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            async::task_group([](async::group& inner) {
                inner.spawn([] { async::event().wait(); });
                inner.spawn({.daemon = true}, [] { async::shield([] { async::sleep_for(2ms); }); });
            });
            went_on = true;
        });
        async::yield();
        t.cancel();
    });
    CHECK_FALSE(went_on);
}

EFFECTS_IN_BOTH_WORLDS("a daemon's handle waits, tells and cancels as any", "[async][daemon]") {
    async::task_group([&](async::group& g) {
        auto t = g.spawn({.daemon = true}, [] { async::event().wait(); });
        CHECK_FALSE(t.done());
        t.cancel();
        t.wait();
        CHECK(t.done());
        CHECK_THROWS_AS(t.get(), async::task_cancelled);
        CHECK(g.size() == 0);
    });
}
