// SPDX-License-Identifier: BSL-1.0
#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "thread_world.hpp"

namespace async = effects::async;
using namespace std::chrono_literals;

// What one thread's cases in tests/conformance/async can't see: tasks of several threads at one breaker, limiter or bulkhead.

namespace {

constexpr int threads = 4;
constexpr int tasks = 8;

// `f(thread, task)` in each of the tasks of each thread's world.
template <class F>
void in_tasks_of_threads(F f) {
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t)
        running.emplace_back([&f, t] {
            thread_world::run([&] {
                async::task_group([&](async::group& g) {
                    for (int i = 0; i < tasks; ++i) g.spawn([&f, t, i] { f(t, i); });
                });
            });
        });
    for (auto& t : running) t.join();
}

// How many are inside at a time, at most.
class crowd {
public:
    void enter() {
        int now = ++inside_;
        for (int seen = most_; now > seen && !most_.compare_exchange_weak(seen, now);) {
        }
    }
    void leave() { --inside_; }
    int most() const { return most_; }

private:
    std::atomic<int> inside_{0};
    std::atomic<int> most_{0};
};

effects::error refused() { return effects::error(std::make_error_code(std::errc::connection_refused), "refused"); }

} // namespace

TEST_CASE("tasks of several threads share the places of one bulkhead", "[async][bulkhead][threads]") {
    async::bulkhead places{{.limit = 3, .max_waiting = threads * tasks}};
    crowd inside;
    std::atomic<int> calls{0};
    in_tasks_of_threads([&](int, int) {
        for (int i = 0; i < 100; ++i)
            places.run([&] {
                inside.enter();
                ++calls;
                async::yield();
                inside.leave();
            });
    });
    CHECK(calls == threads * tasks * 100);
    CHECK(inside.most() == 3);
    CHECK(places.running() == 0);
    CHECK(places.waiting() == 0);
}

TEST_CASE("a bulkhead loses no place to waiters that are cancelled while another thread hands one over",
          "[async][bulkhead][cancel][threads]") {
    async::bulkhead places{{.limit = 2, .max_waiting = threads * tasks}};
    crowd inside;
    std::atomic<int> calls{0}, cut_short{0};
    in_tasks_of_threads([&](int, int task) {
        for (int i = 0; i < 200; ++i) {
            auto call = [&] {
                places.run([&] {
                    inside.enter();
                    ++calls;
                    try {
                        async::yield();
                    } catch (...) {
                        inside.leave();
                        throw;
                    }
                    inside.leave();
                });
            };
            if (task % 2)
                call();
            else if (!async::try_timeout(std::chrono::microseconds(i % 50), call))
                ++cut_short;
        }
    });
    CHECK(inside.most() == 2);
    CHECK(calls >= threads * tasks / 2 * 200);
    CHECK(cut_short > 0);
    CHECK(places.running() == 0);
    CHECK(places.waiting() == 0);
}

TEST_CASE("tasks of several threads share one rate limit, and cancelled waiters take nothing of it",
          "[async][rate_limiter][cancel][threads]") {
    constexpr int per_task = 50;
    async::rate_limiter limiter{{.permits = 4'000, .per = 1s, .burst = 20}};
    std::atomic<int> got{0};
    auto const begun = std::chrono::steady_clock::now();
    in_tasks_of_threads([&](int, int task) {
        for (int i = 0; i < per_task; ++i)
            if (task % 2) {
                limiter.acquire();
                ++got;
            } else {
                async::task_group([&](async::group& g) {
                    auto t = g.spawn([&] {
                        limiter.acquire();
                        ++got;
                    });
                    async::yield();
                    t.cancel();
                });
            }
    });
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begun;

    CHECK(got >= threads * tasks / 2 * per_task);
    CHECK(got <= 20 + 4'000 * took.count() + 1);
    CHECK(limiter.waiting() == 0);
    thread_world::run([&] { async::timeout(10s, [&] { limiter.acquire(20); }); });
}

TEST_CASE("a circuit that several threads use opens once, and lets one trial through at a time",
          "[async][circuit_breaker][threads]") {
    std::atomic<int> to_open{0}, to_half_open{0}, to_closed{0};
    async::circuit_breaker breaker{
        {.failures_in_a_row = 10, .open_for = 0s, .on_change = [&](async::circuit_change const& c) {
             using state = async::circuit_state;
             ++(c.to == state::open ? to_open : c.to == state::half_open ? to_half_open : to_closed);
         }}};
    thread_world::run([&] { breaker.trip(); });
    crowd inside; // all calls are trials
    std::atomic<int> calls{0}, refusals{0};
    in_tasks_of_threads([&](int, int) {
        for (int i = 0; i < 200; ++i) {
            try {
                breaker.run([&] {
                    inside.enter();
                    ++calls;
                    async::yield();
                    inside.leave();
                    throw refused();
                });
            } catch (async::circuit_open const&) {
                ++refusals;
                async::yield();
            } catch (effects::error const&) {
            }
        }
    });
    CHECK(calls + refusals == threads * tasks * 200);
    CHECK(refusals > 0);
    CHECK(inside.most() == 1);
    CHECK(to_half_open == calls);
    CHECK(to_open == calls + 1);
    CHECK(to_closed == 0);
}

TEST_CASE("a budget gives each token to one thread", "[async][retry][threads]") {
    async::retry_budget budget{{.tokens = 1000, .per_success = 0}};
    std::atomic<int> taken{0};
    in_tasks_of_threads([&](int, int) {
        for (int i = 0; i < 100; ++i)
            if (budget.try_take()) ++taken;
    });
    CHECK(taken == 1000);
}
