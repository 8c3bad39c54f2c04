// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::resumption;

namespace {

using resumable = resumption<hold, int>;

template <class Body>
resumable suspended(Body&& body) {
    resumable kept;
    handle(std::forward<Body>(body), control<hold>([&](hold, resumable k) {
               kept = std::move(k);
               return -1;
           }));
    return kept;
}

// A compiler may keep what pthread_self gave, also across a suspension; not across a call that it can't see into.
[[gnu::noinline]] std::thread::id this_thread_id() {
    asm volatile("");
    return std::this_thread::get_id();
}

template <class F>
void on_another_thread(F&& f) {
    std::thread(std::forward<F>(f)).join();
}

} // namespace

TEST_CASE("each thread has handlers of its own", "[core][threads]") {
    bool unhandled = false;
    int other = 0;

    handle(
        [&] {
            on_another_thread([&] {
                try {
                    perform(ask{});
                } catch (effects::unhandled_operation const&) {
                    unhandled = true;
                }
                other = handle([] { return perform(ask{}); }, [](ask) { return 2; });
            });
            CHECK(perform(ask{}) == 1);
        },
        [](ask) { return 1; });

    CHECK(unhandled);
    CHECK(other == 2);
}

TEST_CASE("a resumption moved to another thread resumes there, under its handlers", "[core][threads]") {
    resumable k;
    std::thread::id started;
    std::thread::id resumed;
    handle(
        [&] {
            k = suspended([&] {
                started = this_thread_id();
                int before = perform(ask{});
                perform(hold{});
                resumed = this_thread_id();
                return before * 10 + perform(ask{});
            });
        },
        [](ask) { return 1; });
    int answer = 0;
    std::thread::id there;

    on_another_thread([&] {
        there = this_thread_id();
        answer = handle([&] { return std::move(k).resume(0); }, [](ask) { return 2; });
    });

    CHECK(answer == 12);
    CHECK(started == this_thread_id());
    CHECK(resumed == there);
}

TEST_CASE("a resumption dropped on another thread unwinds there", "[core][threads]") {
    trace log;
    std::thread::id unwound;
    struct says_where {
        std::thread::id& out;
        ~says_where() { out = this_thread_id(); }
    };
    auto k = suspended([&] {
        says_where w{unwound};
        noted local(log, "local");
        return handle([] { return perform(hold{}); }, control<ask>([](ask, auto r) { return std::move(r).resume(1); }));
    });
    std::thread::id there;

    on_another_thread([&, moved = std::move(k)]() mutable {
        there = this_thread_id();
        moved = {};
    });

    CHECK(log == trace{"~local"});
    CHECK(unwound == there);
}

TEST_CASE("a body that wakes on another thread keeps its exceptions", "[core][threads]") {
    auto k = suspended([] {
        try {
            throw std::runtime_error("mine");
        } catch (...) {
            perform(hold{});
            try {
                throw;
            } catch (std::runtime_error const& e) {
                return std::string(e.what()) == "mine" && std::uncaught_exceptions() == 0 ? 1 : 0;
            }
        }
    });
    int answer = 0;

    on_another_thread([&] {
        try {
            throw std::logic_error("the thread's");
        } catch (...) {
            answer = std::move(k).resume(0);
            try {
                throw;
            } catch (std::logic_error const&) {
                answer += 10;
            }
        }
    });

    CHECK(answer == 11);
    CHECK_FALSE(std::current_exception());
}

TEST_CASE("a body that wakes on another thread unwinds its in-place handlers there", "[core][threads]") {
    auto k = suspended([] {
        int inner = handle([] { return perform(choose{}) ? perform(ask{}) : 0; },
                           [](choose) { return perform(hold{}) == 1; }, [](ask) { return 5; });
        return inner * 10 + perform(ask{});
    });
    int answer = 0;
    bool clean = false;

    on_another_thread([&] {
        answer = handle([&] { return std::move(k).resume(1); }, [](ask) { return 2; });
        try {
            perform(ask{});
        } catch (effects::unhandled_operation const&) {
            clean = true;
        }
    });

    CHECK(answer == 52);
    CHECK(clean);
    CHECK_THROWS_AS(perform(ask{}), effects::unhandled_operation);
}

TEST_CASE("a clause may resume its body on another thread and wait for it", "[core][threads]") {
    int answer = handle([] { return perform(ask{}) + perform(ask{}); }, control<ask>([](ask, auto k) {
                            int got = 0;
                            on_another_thread([&] { got = std::move(k).resume(1); });
                            return got + 10;
                        }));

    CHECK(answer == 22);
}

TEST_CASE("a clause keeps its captures while another thread ends its body", "[core][threads]") {
    for (int i = 0; i < 100; ++i) {
        std::thread other;
        auto held = std::make_shared<int>(7);
        std::atomic<bool> body_ended{false};
        bool wait = i % 2 == 0;

        int answer = handle([] { return perform(ask{}); }, control<ask>([&, held](ask, resumption<ask, int> k) {
                                other = std::thread([moved = std::move(k), &body_ended]() mutable {
                                    (void)std::move(moved).resume(1);
                                    body_ended = true;
                                });
                                while (wait && !body_ended) std::this_thread::yield();
                                return *held;
                            }));

        other.join();
        CHECK(answer == 7);
        CHECK(held.use_count() == 1);
    }
}

TEST_CASE("a stack that ends on another thread than it began on is used again there", "[core][threads]") {
    for (int i = 0; i < 200; ++i) {
        auto k = suspended([] { return perform(hold{}); });
        int got = 0;
        on_another_thread([&] {
            got = std::move(k).resume(3);
            got +=
                handle([] { return perform(ask{}); }, control<ask>([](ask, auto r) { return std::move(r).resume(4); }));
        });
        REQUIRE(got == 7);
    }
}

TEST_CASE("a resumption may be dropped while its thread ends", "[core][threads]") {
    std::atomic<int> destroyed{0};
    struct counts {
        std::atomic<int>& n;
        ~counts() { ++n; }
    };
    on_another_thread([&] {
        thread_local resumable kept;
        kept = suspended([&] {
            counts c{destroyed};
            return perform(hold{});
        });
    });

    CHECK(destroyed == 1);
}

TEST_CASE("computations wander among threads, step by step", "[core][threads]") {
    constexpr int bodies = 100;
    constexpr int steps = 20;
    std::mutex guard;
    std::deque<resumable> ready;
    int ended = 0;
    std::vector<int> sums(bodies, 0);
    auto take = [&]() -> resumable {
        std::lock_guard lock(guard);
        if (ready.empty()) return {};
        auto k = std::move(ready.front());
        ready.pop_front();
        return k;
    };
    auto park = control<hold>([&](hold, resumable k) {
        std::lock_guard lock(guard);
        ready.push_back(std::move(k));
        return 0;
    });
    for (int i = 0; i < bodies; ++i) {
        int& sum = sums[static_cast<std::size_t>(i)];
        handle(
            [&sum] { // each step wakes in the middle of a clause, and asks the thread that it woke on
                for (int s = 0; s < steps; ++s)
                    sum += handle([] { return perform(choose{}) ? perform(ask{}) : 0; },
                                  [](choose) { return perform(hold{}) == perform(ask{}); });
                return 1;
            },
            park);
    }

    auto work = [&](int name) {
        handle(
            [&] {
                for (;;) {
                    if (resumable k = take()) {
                        int done = handle([&] { return std::move(k).resume(name); }, [](tell const&) {});
                        std::lock_guard lock(guard);
                        ended += done;
                    } else {
                        std::lock_guard lock(guard);
                        if (ended == bodies) return;
                    }
                }
            },
            [name](ask) { return name; });
    };
    std::thread one(work, 1);
    std::thread two(work, 2);
    std::thread three(work, 4);
    one.join();
    two.join();
    three.join();

    for (int sum : sums) {
        CHECK(sum >= steps);
        CHECK(sum <= 4 * steps);
    }
}
