// SPDX-License-Identifier: BSL-1.0
#include <effects/live/run.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>

#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/shield.hpp>
#include <effects/async/sleep.hpp>
#include <effects/perform.hpp>

#include <sys/wait.h>
#include <unistd.h>

namespace async = effects::async;
namespace live = effects::live;

namespace {

void wait_for_ever() {
    async::event never;
    never.wait();
}

// How a forked process that runs `f` ends.
template <class F>
int status_of(F f) {
    pid_t const child = ::fork();
    if (child == 0) {
        f();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

} // namespace

TEST_CASE("SIGTERM and SIGINT cancel the main task, and live::run throws shut_down", "[live][signals]") {
    int const signal = GENERATE(SIGTERM, SIGINT);
    bool cancelled = false;
    try {
        live::run([&] {
            std::raise(signal);
            try {
                wait_for_ever();
            } catch (async::cancelled const& c) {
                cancelled = c.why() == async::reason::shutdown;
                throw;
            }
        });
        FAIL("live::run must not return");
    } catch (live::shut_down const& e) {
        CHECK(e.code() == std::errc::operation_canceled);
        CHECK(std::string(e.what()) == "the program was asked to end");
    }
    CHECK(cancelled);
}

TEST_CASE("a shutdown reaches the tasks of the main task's groups", "[live][signals]") {
    int told = 0;
    CHECK_THROWS_AS(live::run([&] {
                        async::task_group([&](async::group& g) {
                            for (int i = 0; i < 3; ++i)
                                g.spawn([&] {
                                    try {
                                        wait_for_ever();
                                    } catch (async::cancelled const& c) {
                                        if (c.why() == async::reason::shutdown) ++told;
                                        throw;
                                    }
                                });
                            std::raise(SIGTERM);
                        });
                    }),
                    live::shut_down);
    CHECK(told == 3);
}

TEST_CASE("a body that returns after a shutdown has its value returned", "[live][signals]") {
    int const got = live::run([] {
        std::raise(SIGTERM);
        try {
            wait_for_ever();
        } catch (async::cancelled const&) {
        }
        return 3;
    });
    CHECK(got == 3);
}

TEST_CASE("handlers are stopped on a shutdown, and may suspend", "[live][signals]") {
    struct tick {
        using result_type = void;
    };
    struct service {
        using operations = effects::operations<tick>;
        bool& stopped;
        void operator()(tick const&) {}
        void stop() {
            async::yield();
            stopped = true;
        }
    };
    bool stopped = false;
    CHECK_THROWS_AS(live::run(
                        [] {
                            std::raise(SIGTERM);
                            wait_for_ever();
                        },
                        service{stopped}),
                    live::shut_down);
    CHECK(stopped);
}

TEST_CASE("a body that drains after a shutdown still has its handlers' background tasks", "[live][signals]") {
    struct flush {
        using result_type = int;
    };
    struct service {
        using operations = effects::operations<flush>;
        async::event wanted{};
        async::event done{};
        int flushed = 0;
        int operator()(flush const&) {
            wanted.set();
            done.wait();
            return flushed;
        }
        void start(async::group& g) {
            g.spawn([this] {
                wanted.wait();
                async::yield();
                flushed = 7;
                done.set();
                wait_for_ever();
            });
        }
    };
    service writer;
    int at_the_end = 0;
    CHECK_THROWS_AS(live::run(
                        [&] {
                            std::raise(SIGTERM);
                            try {
                                wait_for_ever();
                            } catch (async::cancelled const&) {
                                at_the_end = async::shield([] { return effects::perform(flush{}); });
                                throw;
                            }
                        },
                        writer),
                    live::shut_down);
    CHECK(at_the_end == 7);
}

TEST_CASE("a signal while a handler starts cancels the start", "[live][signals]") {
    struct flush {
        using result_type = void;
    };
    struct service {
        using operations = effects::operations<flush>;
        void operator()(flush const&) {}
        void start(async::group&) {
            std::raise(SIGTERM);
            wait_for_ever();
        }
    };
    bool body_ran = false;
    CHECK_THROWS_AS(live::run([&] { body_ran = true; }, service{}), live::shut_down);
    CHECK_FALSE(body_ran);
}

TEST_CASE("a signal that another thread takes shuts down too", "[live][signals][threads]") {
    CHECK_THROWS_AS(live::run([] {
                        std::thread other([] { std::raise(SIGTERM); });
                        other.join();
                        wait_for_ever();
                    }),
                    live::shut_down);
}

TEST_CASE("live::run puts back what the program does on signals", "[live][signals]") {
    struct sigaction own = {};
    own.sa_handler = [](int) {};
    struct sigaction original = {};
    REQUIRE(sigaction(SIGTERM, &own, &original) == 0);

    live::run([&] {
        struct sigaction during = {};
        sigaction(SIGTERM, nullptr, &during);
        CHECK(during.sa_handler != own.sa_handler);
        live::run([] {}); // one inside must not take it away
        sigaction(SIGTERM, nullptr, &during);
        CHECK(during.sa_handler != own.sa_handler);
    });

    struct sigaction after = {};
    sigaction(SIGTERM, &original, &after);
    CHECK(after.sa_handler == own.sa_handler);
}

TEST_CASE("live::run that is told not to handle signals leaves them alone", "[live][signals]") {
    struct sigaction before = {};
    sigaction(SIGTERM, nullptr, &before);
    live::run({.handle_signals = false}, [&] {
        struct sigaction during = {};
        sigaction(SIGTERM, nullptr, &during);
        CHECK(during.sa_handler == before.sa_handler);
    });
}

TEST_CASE("a second signal ends the process, even one that computes for ever", "[live][signals]") {
    int const status = status_of([] {
        live::run([] {
            std::raise(SIGTERM);
            std::raise(SIGTERM);
        });
    });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("a second signal during a shielded clean-up ends the process", "[live][signals]") {
    int const status = status_of([] {
        live::run([] {
            async::shield([] {
                std::raise(SIGINT);
                for (int i = 0; i < 5000; ++i) async::yield(); // the first one is seen, and kept off
                std::raise(SIGINT);
            });
        });
    });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("a signal that the program was started to ignore does not end its world", "[live][signals]") {
    struct sigaction ignored = {};
    struct sigaction before = {};
    ignored.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignored, &before);

    int const got = live::run([] {
        std::raise(SIGINT);
        for (int i = 0; i < 50; ++i) async::yield();
        return 1;
    });
    struct sigaction after = {};
    ::sigaction(SIGINT, &before, &after);

    CHECK(got == 1);
    CHECK(after.sa_handler == SIG_IGN);
}

TEST_CASE("a world that ended leaves no descriptor that a late signal could write to by its old number",
          "[live][signals]") {
    auto open_descriptors = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    live::run([] {});
    auto const after_one = open_descriptors();
    for (int i = 0; i < 100; ++i) live::run([] {});
    CHECK(open_descriptors() == after_one); // it is kept, not closed and opened again, and there is but one

    CHECK_THROWS_AS(live::run([] {
                        std::raise(SIGTERM);
                        wait_for_ever();
                    }),
                    live::shut_down);
    live::run([] {
        for (int i = 0; i < 50; ++i) async::yield();
    }); // hears nothing of it
}
