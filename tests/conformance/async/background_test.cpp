// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;

namespace {

void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

// Runs `body` in both worlds, under what `with()` gives.
template <class With, class Body>
void run_with(With with, Body body) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) effects::sim::run({.seed = seed}, body, with());
#ifdef EFFECTS_TEST_LIVE
    effects::live::run(
        {.handle_signals = false},
        [&] {
            worlds::watchdog over(*async::detail::current_task().home);
            body();
        },
        with());
#endif
}

auto plain = [] { return async::background{}; };

} // namespace

TEST_CASE("a detached task outlives its caller, and is cancelled and joined when the run ends", "[async][detach]") {
    std::vector<std::string> log;
    std::optional<async::reason> why;
    run_with(plain, [&] {
        log.clear();
        why.reset();
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                async::timeout(1h, [&] {
                    async::detach({.name = "mail"}, [&] {
                        log.push_back("begun");
                        CHECK(async::deadline() == async::never);
                        try {
                            async::event().wait();
                        } catch (async::cancelled const& c) {
                            why = c.why();
                            async::shield(let_others_run);
                            log.push_back("ended");
                            throw;
                        }
                    });
                    log.push_back("detached");
                });
            });
        });
        log.push_back("body");
    });
    CHECK(log == std::vector<std::string>{"begun", "detached", "body", "ended"});
    CHECK(why == async::reason::group_ended);
}

TEST_CASE("detach copies its function and arguments, and moves what is an rvalue", "[async][detach]") {
    int sum = 0;
    run_with(plain, [&] {
        sum = 0;
        {
            int three = 3;
            async::detach(
                [&sum](std::unique_ptr<int> p, int n) {
                    async::yield();
                    sum += *p + n;
                },
                std::make_unique<int>(4), three);
        }
        let_others_run();
        CHECK(sum == 7);
    });
}

TEST_CASE("a drain lets detached tasks come to their end, also those that they detach", "[async][detach]") {
    int ended = 0;
    run_with([] { return async::background{{.drain = 1h}}; },
             [&] {
                 ended = 0;
                 async::detach([&] {
                     async::sleep_for(2ms);
                     async::detach([&] {
                         async::sleep_for(2ms);
                         ++ended;
                     });
                     ++ended;
                 });
             });
    CHECK(ended == 2);
}

TEST_CASE("what has not ended after the drain is cancelled at its very end, in sim", "[async][detach][sim]") {
    async::duration after{};
    bool cancelled = false;
    effects::sim::run(
        [&] {
            auto begin = async::now();
            async::detach([&, begin] {
                try {
                    async::sleep_for(1h);
                } catch (async::cancelled const&) {
                    cancelled = true;
                    after = async::now() - begin;
                    throw;
                }
            });
        },
        async::background{{.drain = 5s}});
    CHECK(cancelled);
    CHECK(after == 5s);
}

TEST_CASE("a detached failure ends the run's body, or goes to on_error", "[async][detach]") {
    std::optional<async::reason> why;
    CHECK_THROWS_WITH(run_with(plain,
                               [&] {
                                   async::detach([] {
                                       async::yield();
                                       throw std::runtime_error("mail broke");
                                   });
                                   try {
                                       async::event().wait();
                                   } catch (async::cancelled const& c) {
                                       why = c.why();
                                       throw;
                                   }
                               }),
                      "mail broke");
    CHECK(why == async::reason::sibling_failed);

    std::string told;
    bool went_on = false;
    run_with(
        [&] {
            return async::background{{.on_error = [&](std::exception_ptr const& e) {
                try {
                    std::rethrow_exception(e);
                } catch (std::exception const& known) {
                    told = known.what();
                }
            }}};
        },
        [&] {
            async::detach([] { throw std::runtime_error("mail broke"); });
            CHECK(told == "mail broke");
            async::detach([] { async::event().wait(); }); // its cancellation is no failure
            let_others_run();
            went_on = true;
            told.clear();
        });
    CHECK(went_on);
    CHECK(told.empty());
}

TEST_CASE("detached tasks run under the run's handlers, and end before those stop", "[async][detach]") {
    struct ask {
        using result_type = int;
    };
    class service {
    public:
        using operations = effects::operations<ask>;
        explicit service(std::vector<std::string>& log) : log_(&log) {}
        int operator()(ask const&) {
            CHECK(running_);
            return 5;
        }
        void start(async::group&) { running_ = true; }
        void stop() {
            running_ = false;
            log_->push_back("service stopped");
        }

    private:
        std::vector<std::string>* log_;
        bool running_ = false;
    };
    std::vector<std::string> log;
    effects::sim::run(
        [&] {
            effects::handle(
                [&] {
                    async::detach([&] {
                        log.push_back(std::to_string(effects::perform(ask{})));
                        try {
                            async::event().wait();
                        } catch (async::cancelled const&) {
                            async::shield([] { async::sleep_for(1s); });
                            log.push_back(std::to_string(effects::perform(ask{})));
                            throw;
                        }
                    });
                },
                [](ask const&) { return 1; });
        },
        async::background{}, service(log));
    CHECK(log == std::vector<std::string>{"5", "5", "service stopped"});
}

TEST_CASE("detach needs a background that runs, and says so", "[async][detach]") {
    CHECK_THROWS_AS(effects::sim::run([] { async::detach([] {}); }), effects::unhandled_operation);
    CHECK_THROWS_WITH(effects::handle([] { async::detach([] {}); }, async::background{}),
                      Catch::Contains("not started"));
    bool refused = false;
    effects::sim::run(
        [&] {
            async::detach([&] {
                try {
                    async::event().wait();
                } catch (async::cancelled const&) {
                    try {
                        async::detach([] { FAIL("it is too late"); });
                    } catch (effects::error const& e) {
                        refused = e.code() == std::errc::operation_canceled;
                    }
                    throw;
                }
            });
        },
        async::background{});
    CHECK(refused);
}

TEST_CASE("one background serves several runs, one after the other", "[async][detach]") {
    async::background b;
    int ended = 0;
    for (int i = 0; i < 3; ++i) {
        effects::sim::run(
            [&] {
                async::detach([&] {
                    struct count {
                        int& n;
                        ~count() { ++n; }
                    } one{ended};
                    async::event().wait();
                });
            },
            b);
        CHECK(ended == i + 1);
    }
}

// ---- dump ----

EFFECTS_IN_BOTH_WORLDS("dump writes the tree of tasks, with what each waits for and who has it", "[async][dump]") {
    async::mutex m;
    async::event never_set;
    async::channel<int> empty;
    std::ostringstream out;
    async::task_group([&](async::group& g) {
        auto holder = g.spawn({.name = "holder"}, [&] {
            auto held = m.lock();
            never_set.wait();
        });
        g.spawn({.name = "wants"}, [&] { auto held = m.lock(); });
        g.spawn({.name = "parent"}, [&] {
            async::task_group([&](async::group& inner) {
                inner.spawn([&] { (void)empty.receive(); });
                inner.spawn({.name = "joins"}, [&] { holder.wait(); });
            });
        });
        g.spawn({.name = "refresher", .daemon = true}, [] { async::sleep_for(10h); });
        async::dump(out);
        g.cancel();
    });
    CHECK(out.str() == "main runs\n"
                       "  main/holder waits in event::wait\n"
                       "  main/wants waits in mutex::lock, held by main/holder\n"
                       "  main/parent waits in task_group\n"
                       "    main/parent/1 waits in channel::receive\n"
                       "    main/parent/joins waits in task::wait for main/holder\n"
                       "  main/refresher waits in sleep for a time, a daemon\n");
}

EFFECTS_IN_BOTH_WORLDS("dump tells who is cancelled and not gone yet, and touches no primitive that has gone",
                       "[async][dump]") {
    std::ostringstream out;
    async::task_group([&](async::group& g) {
        auto m = std::make_unique<async::mutex>();
        auto lock = m->lock();
        auto t = g.spawn([&] { auto own = m->lock(); });
        t.cancel();
        async::dump(out);
        t.wait();
    });
    CHECK(out.str() == "main runs\n  main/1 is ready, cancelled (requested)\n");
}

TEST_CASE("dump outside of a task says so", "[async][dump]") {
    std::ostringstream out;
    async::dump(out);
    CHECK(out.str() == "no task is running on this thread\n");
}
