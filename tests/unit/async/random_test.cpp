// SPDX-License-Identifier: BSL-1.0
// Random programs of tasks that send, receive, lock and wait, and are timed out and cancelled in the middle of it: nothing may be
// lost, doubled or left behind.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <effects/async.hpp>
#include <effects/async/detail/scheduler.hpp>
#include <effects/sim.hpp>

namespace async = effects::async;
namespace sim = effects::sim;

namespace {

class dice {
public:
    explicit dice(std::uint64_t seed) : random_(seed) {}
    int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
    std::chrono::microseconds time() { return std::chrono::microseconds(below(20)); }

private:
    std::mt19937_64 random_;
};

// Now and then for a limited time, now and then in a shield.
template <class F>
void somehow(dice& d, F f) {
    switch (d.below(4)) {
    case 0:
        (void)async::try_timeout(d.time(), f);
        break;
    case 1:
        async::shield([&] { (void)async::try_timeout(d.time(), f); });
        break;
    default:
        f();
    }
}

} // namespace

TEST_CASE("random senders and receivers, cancelled at random, lose no item and double none",
          "[async][channel][random]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        dice setup(seed);
        async::channel<int> c(static_cast<std::size_t>(setup.below(4)));
        std::vector<int> sent, received;
        sim::run({.seed = seed}, [&] {
            std::deque<async::task<void>> tasks;
            async::task_group([&](async::group& g) {
                for (int s = 0; s < 5; ++s)
                    tasks.push_back(g.spawn([&, s, d = dice(seed * 100 + static_cast<unsigned>(s))]() mutable {
                        for (int i = 0; i < 10; ++i)
                            somehow(d, [&] {
                                try {
                                    c.send(s * 10 + i);
                                } catch (async::channel_closed const&) {
                                    return;
                                }
                                sent.push_back(s * 10 + i);
                            });
                    }));
                for (int r = 0; r < 3; ++r)
                    tasks.push_back(g.spawn([&, d = dice(seed * 100 + 50 + static_cast<unsigned>(r))]() mutable {
                        for (int i = 0; i < 12; ++i)
                            somehow(d, [&] {
                                if (auto item = c.receive()) received.push_back(*item);
                                async::sleep_for(d.time());
                            });
                    }));
                g.spawn([&, d = dice(seed)]() mutable {
                    for (int i = 0; i < 6; ++i) {
                        async::sleep_for(d.time());
                        tasks[static_cast<std::size_t>(d.below(8))].cancel();
                    }
                    async::sleep_for(std::chrono::milliseconds(1));
                    if (d.below(2)) c.close();
                    g.cancel();
                });
            });
        });
        while (auto item = c.try_receive()) received.push_back(*item);
        std::sort(sent.begin(), sent.end());
        std::sort(received.begin(), received.end());
        INFO("seed " << seed);
        REQUIRE(sent == received);
    }
}

TEST_CASE("random users of a semaphore and a mutex, cancelled at random, give everything back",
          "[async][semaphore][mutex][random]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        async::semaphore s(3);
        async::mutex m;
        async::condition changed;
        int inside = 0, most = 0, holders = 0;
        sim::run({.seed = seed}, [&] {
            std::deque<async::task<void>> tasks;
            async::task_group([&](async::group& g) {
                for (int n = 0; n < 8; ++n)
                    tasks.push_back(g.spawn([&, d = dice(seed * 100 + static_cast<unsigned>(n))]() mutable {
                        for (int i = 0; i < 10; ++i)
                            somehow(d, [&] {
                                struct counted {
                                    int& count;
                                    int by;
                                    counted(int& c, int b) : count(c), by(b) { count += by; }
                                    ~counted() { count -= by; }
                                };
                                if (d.below(2)) {
                                    int want = 1 + d.below(3);
                                    auto p = s.acquire(static_cast<std::size_t>(want));
                                    counted here(inside, want);
                                    most = std::max(most, inside);
                                    async::sleep_for(d.time());
                                } else {
                                    auto held = m.lock();
                                    counted here(holders, 1);
                                    REQUIRE(holders == 1);
                                    async::sleep_for(d.time());
                                    if (d.below(3) == 0) {
                                        --holders;
                                        try {
                                            changed.wait(held);
                                        } catch (async::cancelled const&) {
                                            ++holders;
                                            throw;
                                        }
                                        ++holders;
                                    } else {
                                        changed.notify_one();
                                    }
                                }
                            });
                    }));
                g.spawn([&, d = dice(seed)]() mutable {
                    for (int i = 0; i < 5; ++i) {
                        async::sleep_for(d.time() * 5);
                        tasks[static_cast<std::size_t>(d.below(8))].cancel();
                    }
                    async::sleep_for(std::chrono::milliseconds(5));
                    g.cancel();
                });
            });
        });
        INFO("seed " << seed);
        REQUIRE(s.available() == 3);
        REQUIRE(most <= 3);
        REQUIRE_FALSE(m.is_locked());
        REQUIRE(holders == 0);
    }
}

TEST_CASE("random trees of groups, races and timeouts end, and leave no task behind", "[async][group][random]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        int living = 0;
        std::size_t left = 99;
        sim::run({.seed = seed}, [&] {
            struct alive {
                int& living;
                explicit alive(int& l) : living(l) { ++living; }
                ~alive() { --living; }
            };
            dice d(seed);
            auto tree = [&](auto& self, int depth) -> void {
                alive here(living);
                async::sleep_for(d.time());
                if (depth == 0) {
                    if (d.below(6) == 0) throw depth;
                    return;
                }
                auto branch = [&self, depth] { self(self, depth - 1); };
                switch (d.below(6)) {
                case 0:
                    async::all(branch, branch);
                    break;
                case 1:
                    async::race(branch, branch, branch);
                    break;
                case 2:
                    (void)async::all_outcomes(branch, branch);
                    break;
                case 3:
                    (void)async::try_timeout(d.time(), branch);
                    break;
                case 4:
                    async::shield(branch);
                    break;
                default:
                    async::task_group([&](async::group& g) {
                        auto first = g.spawn(branch);
                        g.spawn(branch);
                        async::sleep_for(d.time());
                        if (d.below(2)) first.cancel();
                        if (d.below(4) == 0) g.cancel();
                    });
                }
            };
            try {
                tree(tree, 5);
            } catch (int) {
            }
            left = async::detail::current_task().home->tasks();
        });
        INFO("seed " << seed);
        REQUIRE(living == 0);
        REQUIRE(left == 1);
    }
}
