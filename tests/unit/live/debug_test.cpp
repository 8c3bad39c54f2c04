// SPDX-License-Identifier: BSL-1.0
#include <effects/async/debug.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <effects/async/blocking.hpp>
#include <effects/async/dump.hpp>
#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/sleep.hpp>
#include <effects/live/run.hpp>
#include <effects/live/runtime.hpp>

#include "../core/child.hpp"

using namespace std::chrono_literals;
using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;
namespace async = effects::async;
namespace live = effects::live;

namespace {

// The reports of a run, which come from two threads. A machine that is busy may make any task a slow one, so the tests ask for those
// that must come.
class reports {
public:
    void operator()(async::debug_report const& r) {
        std::lock_guard lock(mutex_);
        all_.push_back(r);
        changed_.notify_all();
    }
    // Holds the thread until there is one of a slow task, whose details end so: there is no other limit of time.
    void wait_for(std::string const& task, std::string const& end) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return find(task, end).has_value(); });
    }
    std::optional<async::debug_report> slow(std::string const& task, std::string const& end) {
        std::lock_guard lock(mutex_);
        return find(task, end);
    }
    std::size_t size() {
        std::lock_guard lock(mutex_);
        return all_.size();
    }
    async::debug_options options(async::duration slow_task) {
        return {.slow_task = slow_task, .report = [this](async::debug_report const& r) { (*this)(r); }};
    }

private:
    std::optional<async::debug_report> find(std::string const& task, std::string const& end) const {
        for (auto const& r : all_)
            if (r.finding == async::debug_finding::slow_task && r.task == task && r.details.ends_with(end)) return r;
        return std::nullopt;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<async::debug_report> all_;
};

live::options debugging(async::debug_options how) { return {.debug = true, .debugging = std::move(how)}; }

void raise_and_go_on(int signal) {
    std::raise(signal);
    for (int i = 0; i < 5000; ++i) async::yield();
}

} // namespace

TEST_CASE("debug mode reports a task while it holds its thread, and when it has let go", "[live][debug][threads]") {
    reports found;
    live::run(debugging(found.options(1ms)), [&] {
        async::task_group([&](async::group& g) {
            g.spawn({.name = "worker"}, [&] {
                async::yield();
                found.wait_for("main/worker", " ms, and still does");
                async::yield();
            });
        });
    });

    auto const meanwhile = found.slow("main/worker", " ms, and still does");
    REQUIRE(meanwhile);
    CHECK_THAT(meanwhile->spawned_at, Contains("debug_test.cpp:"));
    CHECK_THAT(meanwhile->details, StartsWith("has held its thread for "));
    auto const afterwards = found.slow("main/worker", " ms, then waited in yield");
    REQUIRE(afterwards);
    CHECK(afterwards->spawned_at == meanwhile->spawned_at);
    CHECK_THAT(afterwards->details, StartsWith("held its thread for "));
}

TEST_CASE("debug mode says of a slow task that it has ended", "[live][debug][threads]") {
    reports found;
    live::run(debugging(found.options(1ms)), [&] { found.wait_for("main", ", and still does"); });

    auto const last = found.slow("main", ", then ended");
    REQUIRE(last);
    CHECK(last->spawned_at.empty());
}

TEST_CASE("debug mode blames a task for what it does where it is spawned, not the one that spawns it",
          "[live][debug][threads]") {
    reports found;
    live::run(debugging(found.options(200ms)), [&] {
        async::task_group([&](async::group& g) {
            g.spawn({.name = "child"}, [&] { found.wait_for("main/child", ", and still does"); });
        });
    });

    CHECK(found.slow("main/child", ", then ended"));
    CHECK_FALSE(found.slow("main", ""));
}

TEST_CASE("debug mode blames the one that spawns for many short tasks together", "[live][debug][threads]") {
    reports found;
    live::run(debugging(found.options(50ms)), [&] {
        async::task_group([&](async::group& g) {
            while (!found.slow("main", ", and still does")) g.spawn([] { return 1; });
        });
    });
    CHECK(found.slow("main", ", then ended"));
}

TEST_CASE("debug mode finds nothing slow where nothing is, or where it is told that nothing is",
          "[live][debug][threads]") {
    async::duration const limit = GENERATE(async::duration(1h), async::duration::max());
    reports found;
    int sum = 0;
    live::run(debugging(found.options(limit)), [&] {
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 100; ++i)
                g.spawn([&] {
                    for (int j = 0; j < 100; ++j) async::yield();
                    sum += async::blocking([] { return 1; });
                    async::sleep_for(1ms);
                });
        });
    });
    CHECK(sum == 100);
    CHECK(found.size() == 0);
}

TEST_CASE("debug mode works in a runtime", "[live][debug][threads]") {
    reports found;
    {
        live::runtime rt{debugging(found.options(1ms))};
        rt.submit([&] { found.wait_for("main/1", ", and still does"); }).get();
    }
    CHECK(found.slow("main/1", ", then ended"));
}

TEST_CASE("debug mode reports a live group that waits for its tasks for long", "[live][debug]") {
    async::event reported;
    std::vector<async::debug_report> found;
    live::run(
        debugging({.slow_task = async::duration::max(),
                   .long_wait = 1ms,
                   .report =
                       [&](async::debug_report const& r) {
                           found.push_back(r);
                           reported.set();
                       }}),
        [&] { async::task_group([&](async::group& g) { g.spawn({.name = "patient"}, [&] { reported.wait(); }); }); });

    REQUIRE(found.size() == 1);
    CHECK(found[0].finding == async::debug_finding::long_wait);
    CHECK(found[0].details == "has waited for 1 ms for the tasks of a group: main/patient waits in event::wait");
}

TEST_CASE("debug mode takes blocking work that is cancelled for no swallowed cancellation", "[live][debug][cancel]") {
    std::vector<async::debug_report> found;
    live::run(debugging({.slow_task = async::duration::max(),
                         .report = [&](async::debug_report const& r) { found.push_back(r); }}),
              [&] {
                  std::promise<void> go_on;
                  async::task_group([&](async::group& g) {
                      auto t = g.spawn([&] {
                          async::blocking([&] { go_on.get_future().wait(); });
                          async::yield();
                      });
                      t.cancel();
                      async::yield();
                      go_on.set_value();
                  });
              });
    CHECK(found.empty());
}

TEST_CASE("EFFECTS_DEBUG in the environment switches debug mode on", "[live][debug][threads]") {
    auto errors_with = [](char const* value) {
        return core_test::in_child([&] {
                   ::setenv("EFFECTS_DEBUG", value, 1);
                   live::run(live::options{.debugging = {.slow_task = 1h, .long_wait = 1ms}}, [] {
                       async::task_group([](async::group& g) { g.spawn([] { async::sleep_for(50ms); }); });
                   });
               })
            .errors;
    };
    CHECK_THAT(errors_with("1"), StartsWith("effects: long wait: main has waited for 1 ms for the tasks") &&
                                     EndsWith("main/1 waits in sleep for a time\n"));
    CHECK(errors_with("0").empty());
    CHECK(errors_with("").empty());
}

TEST_CASE("SIGUSR1 prints the tree of tasks in debug mode, and goes on", "[live][debug][signals][threads]") {
    auto const ended = core_test::in_child([] {
        live::run(live::options{.handle_signals = false, .debug = true, .debugging = {.slow_task = 1h}}, [] {
            async::task_group([](async::group& g) {
                async::event never;
                auto t = g.spawn({.name = "reader"}, [&] { never.wait(); });
                raise_and_go_on(SIGUSR1);
                t.cancel();
            });
        });
    });
    CHECK(ended.exited);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.errors, StartsWith("effects: the tasks of a live world\nmain ") &&
                                 EndsWith("\n  main/reader waits in event::wait\n"));
}

TEST_CASE("SIGUSR1 is left alone without debug mode, and put back after it", "[live][debug][signals]") {
    auto const ended = core_test::in_child([] {
        ::unsetenv("EFFECTS_DEBUG");
        live::run(debugging({}), [] {});
        live::run([] { raise_and_go_on(SIGUSR1); });
    });
    CHECK_FALSE(ended.exited);
    CHECK(ended.code == SIGUSR1);
    CHECK(ended.errors.empty());
}
