// SPDX-License-Identifier: BSL-1.0
#include <effects/async/debug.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>

#include "../core/child.hpp"

using namespace std::chrono_literals;
using Catch::Contains;
namespace async = effects::async;
namespace sim = effects::sim;

namespace {

// What debug mode finds in `body`.
template <class Body>
std::vector<async::debug_report> reports_of(Body body, async::debug_options how = {}) {
    std::vector<async::debug_report> found;
    how.report = [&](async::debug_report const& r) { found.push_back(r); };
    sim::run({.debug = true, .debugging = how}, body);
    return found;
}

// What debug mode finds when `f` is run in a task that is cancelled while it waits first.
template <class F>
std::vector<async::debug_report> reports_when_cancelled(F f) {
    return reports_of([&] { async::task_group([&](async::group& g) { g.spawn({.name = "worker"}, f).cancel(); }); });
}

void sleep_and_swallow() {
    try {
        async::sleep_for(1h);
    } catch (...) {
    }
}

} // namespace

TEST_CASE("a debug report prints as a line", "[async][debug]") {
    auto text = [](async::debug_report const& r) { return (std::ostringstream() << r).str(); };
    async::debug_report r{async::debug_finding::long_wait, "main/3", "", "waits"};
    CHECK(text(r) == "long wait: main/3 waits");
    r.spawned_at = "orders.cpp:17";
    CHECK(text(r) == "long wait: main/3 (spawned at orders.cpp:17) waits");
    CHECK(r == r);
}

TEST_CASE("debug mode reports a task that swallows its cancellation and waits again, once", "[async][debug][cancel]") {
    auto const found = reports_when_cancelled([] {
        sleep_and_swallow();
        async::event e;
        try {
            e.wait();
        } catch (...) {
        }
        async::yield();
    });

    REQUIRE(found.size() == 1);
    CHECK(found[0].finding == async::debug_finding::swallowed_cancellation);
    CHECK(found[0].task == "main/worker");
    CHECK_THAT(found[0].spawned_at, Contains("debug_test.cpp:"));
    CHECK(found[0].details ==
          "was told in sleep that it is cancelled (requested), caught that, and goes on, to wait in event::wait");
}

TEST_CASE("debug mode reports a task that swallows its cancellation and ends as if nothing had been",
          "[async][debug][cancel]") {
    auto const found = reports_when_cancelled(sleep_and_swallow);

    REQUIRE(found.size() == 1);
    CHECK(found[0].details ==
          "was told in sleep that it is cancelled (requested), caught that, and ended as if it were not");
}

TEST_CASE("debug mode reports the functions of all, race and map that swallow their cancellation and end",
          "[async][debug][cancel]") {
    auto fails = [] {
        async::yield();
        throw std::runtime_error("on purpose");
    };
    auto const found = reports_of([&] {
        CHECK_THROWS(async::all(fails, sleep_and_swallow));
        async::race([] { async::yield(); }, sleep_and_swallow);
        CHECK_THROWS(async::for_each(std::vector{0, 1}, [&](int i) { i == 0 ? fails() : sleep_and_swallow(); }));
    });

    REQUIRE(found.size() == 3);
    for (auto const& report : found)
        CHECK_THAT(report.details,
                   Contains("told in sleep that it is cancelled") && Contains("ended as if it were not"));
}

TEST_CASE("debug mode reports each cancellation that is swallowed for itself", "[async][debug][cancel]") {
    auto const found = reports_of([] {
        for (int i = 0; i < 2; ++i)
            (void)async::try_timeout(1s, [] {
                sleep_and_swallow();
                async::yield();
            });
    });
    CHECK(found.size() == 2);
}

TEST_CASE("debug mode takes no cancellation for swallowed that is passed on, or heard in clean-up",
          "[async][debug][cancel]") {
    SECTION("passed on") {
        CHECK(reports_when_cancelled([] { async::sleep_for(1h); }).empty());
        CHECK(reports_when_cancelled([] {
                  async::task_group([](async::group& g) {
                      g.spawn([] { async::sleep_for(1h); });
                      async::sleep_for(1h);
                  });
              }).empty());
    }
    SECTION("clean-up that waits, in the catch block, in a destructor and under a shield") {
        CHECK(reports_when_cancelled([] {
                  try {
                      async::sleep_for(1h);
                  } catch (...) {
                      try {
                          async::sleep_for(1s);
                      } catch (async::cancelled const&) {
                      }
                      async::shield([] { async::sleep_for(1s); });
                      throw;
                  }
              }).empty());
        CHECK(reports_when_cancelled([] {
                  struct tries {
                      ~tries() { sleep_and_swallow(); }
                  } const at_the_end;
                  async::sleep_for(1h);
              }).empty());
    }
    SECTION("timeouts, one after the other in the same place") {
        CHECK(reports_of([] {
                  for (int i = 0; i < 3; ++i) (void)async::try_timeout(1s, [] { async::sleep_for(1h); });
                  async::yield();
              }).empty());
    }
    SECTION("a group that cancels itself") {
        CHECK(reports_of([] {
                  for (int i = 0; i < 2; ++i)
                      async::task_group([](async::group& g) {
                          g.spawn([] { async::sleep_for(1h); });
                          g.cancel();
                          async::sleep_for(1h);
                      });
                  async::yield();
              }).empty());
    }
    SECTION("what fails while it is cancelled") {
        CHECK(reports_when_cancelled([] {
                  try {
                      async::task_group([](async::group& g) {
                          g.spawn([] {
                              try {
                                  async::sleep_for(1h);
                              } catch (async::cancelled const&) {
                                  throw std::runtime_error("broken");
                              }
                          });
                          async::sleep_for(1h);
                      });
                  } catch (std::runtime_error const&) {
                  }
                  async::yield();
              }).empty());
    }
    SECTION("a daemon that ends when it is told to") {
        CHECK(reports_of([] {
                  async::task_group([](async::group& g) { g.spawn({.daemon = true}, sleep_and_swallow); });
              }).empty());
    }
    SECTION("races and retries") {
        CHECK(reports_of([] {
                  for (int i = 0; i < 3; ++i) async::race([] { async::sleep_for(1s); }, [] { async::sleep_for(1h); });
                  CHECK_THROWS_AS(async::timeout(1s,
                                                 [] {
                                                     async::retry({.attempts = 100}, []() -> int {
                                                         async::sleep_for(300ms);
                                                         throw std::runtime_error("no");
                                                     });
                                                 }),
                                  std::exception);
                  async::yield();
              }).empty());
    }
}

TEST_CASE("debug mode reports a group that waits for its tasks for long, with what each of them waits for",
          "[async][debug][group]") {
    std::vector<async::debug_report> found;
    std::size_t before = 99;
    std::size_t after = 99;
    sim::run({.debug = true, .debugging = {.report = [&](auto const& r) { found.push_back(r); }}}, [&] {
        async::channel<int> empty;
        async::task_group([&](async::group& g) {
            g.spawn({.name = "reader"}, [&] { (void)empty.receive(); });
            g.spawn([] { async::sleep_for(1h); });
            g.spawn([] { async::sleep_for(1s); });
            g.spawn({.daemon = true}, [&] {
                async::sleep_for(10s);
                before = found.size();
                async::sleep_for(1ns);
                after = found.size();
                async::sleep_for(1h);
                empty.close();
                async::sleep_for(1h);
            });
        });
    });

    CHECK(before == 0);
    CHECK(after == 1);
    REQUIRE(found.size() == 1);
    CHECK(found[0].finding == async::debug_finding::long_wait);
    CHECK(found[0].task == "main");
    CHECK(found[0].details == "has waited for 10 s for the tasks of a group: main/reader waits in channel::receive; "
                              "main/2 waits in sleep for a time");
}

TEST_CASE("debug mode names some of many tasks that a group waits for", "[async][debug][group]") {
    auto const found = reports_of(
        [] {
            std::vector<int> const many(20);
            async::for_each(many, {.limit = 20}, [](int) { async::sleep_for(1h); });
        },
        {.long_wait = 1min});

    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0].details, Contains("has waited for 60 s") && Contains("main/8 waits") && !Contains("main/9") &&
                                     Catch::EndsWith("; and 12 more"));
}

TEST_CASE("debug mode finds a group's wait short that ends in time, or whose limit is without end",
          "[async][debug][group]") {
    auto waits = [] {
        async::task_group([](async::group& g) { g.spawn([] { async::sleep_for(9s); }); });
        async::sleep_for(1h);
    };
    CHECK(reports_of(waits).empty());
    CHECK(reports_of(waits, {.long_wait = 1s}).size() == 1);
    CHECK(reports_of(waits, {.long_wait = async::duration::max()}).empty());
}

TEST_CASE("a report that throws changes nothing", "[async][debug]") {
    int reports = 0;
    sim::run({.debug = true,
              .debugging = {.report =
                                [&](async::debug_report const&) {
                                    ++reports;
                                    throw std::runtime_error("the log is full");
                                }}},
             [] {
                 async::task_group([](async::group& g) {
                     g.spawn(sleep_and_swallow).cancel();
                     g.spawn([] { async::sleep_for(1h); });
                 });
             });
    CHECK(reports == 2);
}

TEST_CASE("debug mode writes to standard error unless it is told where to", "[async][debug]") {
    auto const ended = core_test::in_child([] {
        sim::run({.debug = true}, [] {
            async::task_group([](async::group& g) {
                g.spawn(std::plus<>(), 1, 2); // where it was spawned is not known
                g.spawn([] { async::sleep_for(1h); });
            });
        });
    });
    CHECK(ended.errors ==
          "effects: long wait: main has waited for 10 s for the tasks of a group: main/2 waits in sleep for a time\n");
}

TEST_CASE("spawn's functions with and without arguments, and options, mean what they did", "[async][group]") {
    sim::run([] {
        async::task_group([](async::group& g) {
            auto add = [](int a, int b) { return a + b; };
            CHECK(g.spawn([] { return 1; }).get() == 1);
            CHECK(g.spawn(add, 1, 2).get() == 3);
            CHECK(g.spawn({}, add, 1, 2).get() == 3);
            CHECK(g.spawn({.name = "adder"}, add, 1, 2).get() == 3);
            async::spawn_options const kept{.name = "kept"};
            CHECK(g.spawn(kept, add, 1, 2).get() == 3);
            CHECK(g.spawn([](int a) { return a; }, 4).get() == 4);
        });
    });
}
