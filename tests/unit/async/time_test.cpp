// SPDX-License-Identifier: BSL-1.0
// Exact times, which only a simulated world has.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <effects/async.hpp>
#include <effects/effects.hpp>
#include <effects/sim.hpp>

namespace async = effects::async;
namespace sim = effects::sim;
using namespace std::chrono_literals;

namespace {

async::duration elapsed(async::time_point since) { return async::now() - since; }

template <class F>
async::duration time_of(F&& f) {
    auto begun = async::now();
    f();
    return async::now() - begun;
}

effects::error refused() { return effects::error(std::make_error_code(std::errc::connection_refused), "refused"); }

} // namespace

TEST_CASE("sleeping takes as long as it says, and nothing else takes any time", "[async][sleep]") {
    sim::run([] {
        CHECK(time_of([] { async::sleep_for(1500ms); }) == 1500ms);
        CHECK(time_of([] { async::sleep_for(1ns); }) == 1ns);
        CHECK(time_of([] { async::sleep_for(0s); }) == 0s);
        CHECK(time_of([] { async::sleep_for(-5s); }) == 0s);
        CHECK(time_of([] { async::sleep_for(24h * 365); }) == 24h * 365);
        CHECK(time_of([] { async::sleep_until(async::now() + 3s); }) == 3s);
        CHECK(time_of([] { async::sleep_until(async::now() - 3s); }) == 0s);
        CHECK(time_of([] { async::sleep_for(std::chrono::duration<double>(0.25)); }) == 250ms);
        CHECK(time_of([] {
                  for (int i = 0; i < 100; ++i) async::yield();
              }) == 0s);
    });
}

TEST_CASE("sleeping without an end is ended by a timeout", "[async][sleep]") {
    sim::run([] {
        CHECK(time_of([] { (void)async::try_timeout(1h, [] { async::sleep_for(std::chrono::hours::max()); }); }) == 1h);
        CHECK(time_of([] { (void)async::try_timeout(1h, [] { async::sleep_until(async::never); }); }) == 1h);
    });
}

TEST_CASE("sleepers wake in the order of their times", "[async][sleep]") {
    sim::run([] {
        std::string order;
        async::task_group([&](async::group& g) {
            for (auto [c, d] : {std::pair('c', 3s), std::pair('a', 1s), std::pair('d', 4s), std::pair('b', 2s)})
                g.spawn([&order, name = c, after = d] {
                    async::sleep_for(after);
                    order += name;
                });
        });
        CHECK(order == "abcd");
    });
}

TEST_CASE("a timeout expires at its limit, and says so", "[async][timeout]") {
    sim::run([] {
        auto begun = async::now();
        try {
            async::timeout(800ms, [] { async::sleep_for(1h); });
            FAIL("no exception");
        } catch (async::timed_out const& e) {
            CHECK(elapsed(begun) == 800ms);
            CHECK(e.limit() == 800ms);
            CHECK(e.elapsed() == 800ms);
            CHECK(std::string(e.what()) == "timeout: 800 ms passed (limit 800 ms)");
        }
    });
}

TEST_CASE("what is ready at the very instant of its deadline is cancelled", "[async][timeout]") {
    sim::run([] {
        auto value = async::try_timeout(1s, [] {
            async::sleep_for(1s);
            return 1;
        });
        CHECK_FALSE(value);
        CHECK(async::try_timeout(1s, [] {
                  async::sleep_for(1s - 1ns);
                  return 2;
              }) == 2);
    });
}

TEST_CASE("one deadline over many waits is one deadline", "[async][timeout]") {
    sim::run([] {
        int waits = 0;
        auto took = time_of([&] {
            (void)async::try_timeout(1s, [&] {
                for (;; ++waits) async::sleep_for(100ms);
            });
        });
        CHECK(took == 1s);
        CHECK(waits == 9);
    });
}

TEST_CASE("nested deadlines: each ends what it surrounds, at its own time", "[async][timeout]") {
    sim::run([] {
        std::vector<async::duration> ends;
        auto begun = async::now();
        auto wait = [&](auto limit, auto inside) {
            return [&, limit, inside] {
                (void)async::try_timeout(limit, [&] {
                    inside();
                    async::sleep_for(1h);
                });
                ends.push_back(elapsed(begun));
            };
        };
        wait(3s, wait(2s, wait(1s, [] {})))();
        CHECK(ends == std::vector<async::duration>{1s, 2s, 3s});
    });
}

TEST_CASE("an inner limit that is longer than the outer one never counts", "[async][timeout]") {
    sim::run([] {
        CHECK(time_of([] {
                  CHECK_THROWS_AS(async::timeout(1s, [] { async::timeout(5s, [] { async::sleep_for(1h); }); }),
                                  async::timed_out);
              }) == 1s);
    });
}

TEST_CASE("timers of a timeout that did not fire are forgotten", "[async][timeout]") {
    sim::run([] {
        for (int i = 0; i < 100; ++i) async::timeout(1h, [] { async::sleep_for(1s); });
        CHECK(time_of([] { async::sleep_for(2h); }) == 2h);
    });
}

TEST_CASE("deadline() is now plus the limit, in the task and in its group's tasks", "[async][timeout]") {
    sim::run([] {
        async::timeout(5s, [] {
            auto at = async::now() + 5s;
            CHECK(async::deadline() == at);
            async::task_group([&](async::group& g) {
                g.spawn([at] {
                    async::sleep_for(1s);
                    CHECK(async::deadline() == at);
                    async::timeout(1s, [] { CHECK(async::deadline() == async::now() + 1s); });
                });
            });
            async::shield([] { CHECK(async::deadline() == async::never); });
        });
    });
}

TEST_CASE("a shield is left late, and the timeout expires right after it", "[async][timeout][shield]") {
    sim::run([] {
        auto begun = async::now();
        CHECK_THROWS_AS(async::timeout(1s,
                                       [&] {
                                           async::shield([] { async::sleep_for(5s); });
                                           CHECK(elapsed(begun) == 5s);
                                           async::yield();
                                           FAIL("not reached");
                                       }),
                        async::timed_out);
        CHECK(elapsed(begun) == 5s);
    });
}

TEST_CASE("children outside a shield are cancelled at the deadline, not after the shield", "[async][timeout][shield]") {
    sim::run([] {
        auto begun = async::now();
        async::duration child{};
        CHECK_THROWS_AS(async::timeout(1s,
                                       [&] {
                                           async::task_group([&](async::group& g) {
                                               g.spawn([&] {
                                                   try {
                                                       async::sleep_for(1h);
                                                   } catch (async::cancelled const&) {
                                                       child = elapsed(begun);
                                                       throw;
                                                   }
                                               });
                                               async::shield([] { async::sleep_for(5s); });
                                           });
                                       }),
                        async::timed_out);
        CHECK(child == 1s);
    });
}

TEST_CASE("all takes as long as the longest, race as long as the shortest", "[async][all][race]") {
    sim::run([] {
        auto sleeps = [](async::duration d) { return [d] { async::sleep_for(d); }; };
        CHECK(time_of([&] { async::all(sleeps(1s), sleeps(3s), sleeps(2s)); }) == 3s);
        CHECK(time_of([&] { async::race(sleeps(2s), sleeps(1s), sleeps(3s)); }) == 1s);
        CHECK(time_of([&] {
                  async::any(
                      [] {
                          async::sleep_for(1s);
                          throw 1;
                      },
                      sleeps(2s), sleeps(3s));
              }) == 2s);
        CHECK(time_of([&] {
                  CHECK_THROWS_AS(async::all(sleeps(5s),
                                             [] {
                                                 async::sleep_for(1s);
                                                 throw 1;
                                             }),
                                  int);
              }) == 1s);
        CHECK(time_of([&] {
                  (void)async::all_outcomes(sleeps(5s), [] {
                      async::sleep_for(1s);
                      throw 1;
                  });
              }) == 5s);
    });
}

TEST_CASE("map with a limit takes as many rounds as it must", "[async][map]") {
    sim::run([] {
        std::vector<int> numbers(10);
        CHECK(time_of([&] { async::for_each(numbers, {.limit = 4}, [](int) { async::sleep_for(1s); }); }) == 3s);
        CHECK(time_of([&] { async::for_each(numbers, {.limit = 1}, [](int) { async::sleep_for(1s); }); }) == 10s);
        CHECK(time_of([&] {
                  async::for_each(numbers, {.limit = async::unbounded}, [](int) { async::sleep_for(1s); });
              }) == 1s);

        // The next one begins when any of them ends.
        std::vector<async::duration> lengths{5s, 1s, 1s, 1s, 1s};
        CHECK(time_of([&] {
                  async::for_each(lengths, {.limit = 2}, [](async::duration d) { async::sleep_for(d); });
              }) == 5s);
    });
}

TEST_CASE("every keeps its beats, and leaves out those that it missed", "[async][every]") {
    sim::run([] {
        auto begun = async::now();
        std::vector<async::duration> calls;
        async::every(10s, [&] {
            calls.push_back(elapsed(begun));
            if (calls.size() == 2) async::sleep_for(25s); // over two beats
            if (calls.size() == 4) async::sleep_for(10s); // to the next one exactly
            return calls.size() < 6;
        });
        CHECK(calls == std::vector<async::duration>{0s, 10s, 40s, 50s, 70s, 80s});
    });
}

TEST_CASE("retry waits as the backoff says", "[async][retry]") {
    sim::run([] {
        auto begun = async::now();
        std::vector<async::duration> calls;
        CHECK_THROWS_AS(async::retry({.attempts = 6, .backoff = async::exponential(100ms).cap(500ms)},
                                     [&] {
                                         calls.push_back(elapsed(begun));
                                         throw refused();
                                     }),
                        effects::error);
        CHECK(calls == std::vector<async::duration>{0ms, 100ms, 300ms, 700ms, 1200ms, 1700ms});
    });
}

TEST_CASE("retry gives up at once where the next attempt would begin after the deadline", "[async][retry][timeout]") {
    sim::run([] {
        auto begun = async::now();
        int calls = 0;
        CHECK_THROWS_WITH(async::timeout(1s,
                                         [&] {
                                             async::task_group([&](async::group& g) {
                                                 g.spawn([&] {
                                                     async::retry({.attempts = 9, .backoff = async::exponential(400ms)},
                                                                  [&] {
                                                                      ++calls;
                                                                      throw refused();
                                                                  });
                                                 });
                                             });
                                         }),
                          "while retrying, after 2 attempts (no time for another): refused");
        CHECK(calls == 2);
        CHECK(elapsed(begun) == 400ms);
    });
}

namespace {

struct busy_for : effects::error {
    explicit busy_for(std::optional<std::chrono::nanoseconds> until)
        : error(std::make_error_code(std::errc::resource_unavailable_try_again), "busy"), asked(until) {}
    std::optional<std::chrono::nanoseconds> retry_after() const noexcept override { return asked; }
    std::optional<std::chrono::nanoseconds> asked;
};

struct busy_answer { // asks as an http::response does
    std::optional<std::chrono::nanoseconds> asked;
    std::optional<std::chrono::nanoseconds> retry_after() const { return asked; }
};

async::duration wait_after(async::retry_options how, std::optional<std::chrono::nanoseconds> asked) {
    how.attempts = 2;
    return time_of([&] { CHECK_THROWS_AS(async::retry(how, [&] { throw busy_for(asked); }), busy_for); });
}

} // namespace

TEST_CASE("retry waits as long as the error asks, or as the backoff says, whichever is longer", "[async][retry]") {
    sim::run([] {
        async::retry_options how{.backoff = async::constant(2s)};
        CHECK(wait_after(how, 5s) == 5s);
        CHECK(wait_after(how, 1s) == 2s);
        CHECK(wait_after(how, -1s) == 2s);
        CHECK(wait_after(how, std::nullopt) == 2s);
    });
}

TEST_CASE("no more than max_retry_after can be asked of retry", "[async][retry]") {
    sim::run([] {
        async::retry_options how{.backoff = async::constant(2s)};
        CHECK(wait_after(how, 24h) == 1min);
        how.max_retry_after = 10s;
        CHECK(wait_after(how, std::chrono::nanoseconds::max()) == 10s);
        CHECK(wait_after(how, 5s) == 5s);
        how.max_retry_after = 0s;
        CHECK(wait_after(how, 5s) == 2s);
        how.max_retry_after = -1s;
        CHECK(wait_after(how, 5s) == 2s);
    });
}

TEST_CASE("a result that is tried again may ask for a wait, too", "[async][retry]") {
    sim::run([] {
        int calls = 0;
        async::retry_options how{.backoff = async::constant(1s),
                                 .when = [](busy_answer const& a) { return a.asked.has_value(); }};
        CHECK(time_of([&] {
                  async::retry(how, [&] { return ++calls == 1 ? busy_answer{7s} : busy_answer{std::nullopt}; });
              }) == 7s);
        CHECK(calls == 2);
    });
}

TEST_CASE("retry gives up where what is asked for lies beyond the deadline", "[async][retry][timeout]") {
    sim::run([] {
        CHECK(time_of([] {
                  CHECK_THROWS_WITH(
                      async::timeout(
                          3s, [] { async::retry({.backoff = async::constant(1s)}, [] { throw busy_for(5s); }); }),
                      "while retrying, after 1 attempt (no time for another): busy");
              }) == 0s);
    });
}

TEST_CASE("a function's own timeout is tried again, one around the retry is not", "[async][retry][timeout]") {
    sim::run([] {
        int calls = 0;
        async::retry({.backoff = async::constant(1s)}, [&] {
            if (++calls == 1) async::timeout(1s, [] { async::sleep_for(1h); });
        });
        CHECK(calls == 2);

        calls = 0;
        CHECK_THROWS_AS(async::timeout(1s,
                                       [&] {
                                           async::retry([&] {
                                               ++calls;
                                               async::sleep_for(1h);
                                           });
                                       }),
                        async::timed_out);
        CHECK(calls == 1);
    });
}

TEST_CASE("a backoff: growth, factor, cap, and no overflow", "[async][retry]") {
    auto b = async::exponential(100ms);
    CHECK(b.after_attempt(1) == 100ms);
    CHECK(b.after_attempt(2) == 200ms);
    CHECK(b.after_attempt(5) == 1600ms);
    CHECK(b.after_attempt(1000) == 30s);
    CHECK(b.cap(1h).after_attempt(1000000) == 1h);
    CHECK(b.factor(3).after_attempt(3) == 900ms);
    CHECK(b.factor(0).after_attempt(3) == 0s);
    CHECK(async::constant(2s).after_attempt(7) == 2s);
    CHECK(async::constant(2min).after_attempt(1) == 2min);
    CHECK(async::constant(2min).cap(1min).after_attempt(1) == 1min);
    CHECK(async::exponential(1min).after_attempt(3) == 1min);
    CHECK(async::exponential(-1s).after_attempt(3) == 0s);
    CHECK(async::exponential(std::chrono::hours::max()).cap(std::chrono::hours::max()).after_attempt(9) ==
          async::duration::max());
}

TEST_CASE("jitter takes a random part off, the same with the same seed, another in another task", "[async][retry]") {
    auto waits = [](std::uint64_t seed, double share) {
        std::vector<async::duration> all;
        sim::run({.seed = seed}, [&] {
            auto b = async::constant(1s).jitter(share);
            for (int i = 0; i < 20; ++i) all.push_back(b.draw(1));
            async::task_group([&](async::group& g) { g.spawn([&] { all.push_back(b.draw(1)); }); });
        });
        return all;
    };
    auto first = waits(1, 0.5);
    CHECK(first == waits(1, 0.5));
    CHECK(first != waits(2, 0.5));
    CHECK(std::all_of(first.begin(), first.end(), [](auto d) { return d >= 500ms && d <= 1s; }));
    std::sort(first.begin(), first.end());
    CHECK(std::unique(first.begin(), first.end()) == first.end());
    CHECK(first.front() < 600ms);
    CHECK(first.back() > 900ms);
    auto full = waits(1, 1.0);
    CHECK(*std::min_element(full.begin(), full.end()) < 300ms);
    auto none = waits(1, 0.0);
    CHECK(std::all_of(none.begin(), none.end(), [](auto d) { return d == 1s; }));
    CHECK(effects::perform(async::draw_jitter{}) == 0.5);
}

TEST_CASE("jitter of the longest wait there is stays within it", "[async][retry]") {
    auto longest = async::exponential(1s).cap(std::chrono::hours::max()).jitter();
    auto draw = [&](double drawn) {
        return effects::handle([&] { return longest.draw(60); }, [&](async::draw_jitter const&) { return drawn; });
    };
    CHECK(draw(0.0) == async::duration::max());
    CHECK(draw(1.0) >= async::duration::max() / 2 - 1s);
    CHECK(draw(1.0) <= async::duration::max() / 2 + 1s);
}

TEST_CASE("what other tasks do changes no jitter", "[async][retry]") {
    auto draw = [](std::uint64_t seed, int others) {
        double drawn = 0;
        sim::run({.seed = seed}, [&] {
            async::task_group([&](async::group& g) {
                g.spawn({.name = "drawer"}, [&] {
                    async::sleep_for(1s);
                    drawn = effects::perform(async::draw_jitter{});
                });
                for (int i = 0; i < others; ++i) g.spawn([] { effects::perform(async::draw_jitter{}); });
            });
        });
        return drawn;
    };
    CHECK(draw(3, 0) == draw(3, 5));
}

TEST_CASE("thousands of timers fire in order, as a sorted list of them would", "[async][sleep]") {
    std::mt19937_64 random(7);
    std::vector<int> delays;
    for (int i = 0; i < 3000; ++i) delays.push_back(static_cast<int>(random() % 1000));

    std::vector<int> fired;
    sim::run([&] {
        async::task_group([&](async::group& g) {
            for (int d : delays)
                g.spawn([&fired, d] {
                    async::sleep_for(std::chrono::milliseconds(d));
                    fired.push_back(d);
                });
        });
    });

    std::sort(delays.begin(), delays.end());
    CHECK(fired == delays);
}

TEST_CASE("timers that are set, cut short and set again at random keep their times", "[async][sleep][timeout]") {
    sim::run([] {
        int wrong = 0;
        async::task_group([&](async::group& g) {
            for (unsigned n = 0; n < 50; ++n)
                g.spawn([&wrong, n] {
                    std::mt19937 random(n);
                    auto ms = [&] { return std::chrono::milliseconds(random() % 100 + 1); };
                    for (int i = 0; i < 50; ++i) {
                        auto limit = ms(), length = ms();
                        auto begun = async::now();
                        bool ended = async::try_timeout(limit, [&] { async::sleep_for(length); }).has_value();
                        wrong += ended != (length < limit);
                        wrong += async::now() - begun != std::min<async::duration>(limit, length);
                    }
                });
        });
        CHECK(wrong == 0);
    });
}

TEST_CASE("times are clamped, not wrapped", "[async]") {
    CHECK(async::clamp_duration(std::chrono::hours::max()) == async::duration::max());
    CHECK(async::clamp_duration(std::chrono::hours::min()) == -async::duration::max());
    CHECK(async::clamp_duration(1us) == 1000ns);
    async::time_point zero{};
    CHECK(async::after(zero, async::duration::max()) == async::never);
    CHECK(async::after(async::never, 1s) == async::never);
    CHECK(async::after(zero + 5s, -1s) == zero + 5s);
    CHECK(async::after(zero, 1s) == zero + 1s);
}

TEST_CASE("reasons print", "[async]") {
    std::ostringstream out;
    for (auto r :
         {async::reason::requested, async::reason::timed_out, async::reason::deadline, async::reason::sibling_failed,
          async::reason::lost_race, async::reason::group_ended, async::reason::shutdown})
        out << r << '/';
    CHECK(out.str() == "requested/timed out/deadline passed/sibling failed/lost race/group ended/shutdown/");
}

TEST_CASE("timed_out writes its times for people", "[async][timeout]") {
    CHECK(std::string(async::timed_out("a", 2s, 2500ms).what()) == "a: 2.5 s passed (limit 2 s)");
    CHECK(std::string(async::timed_out("a", 50us, 60us).what()) == "a: 60 us passed (limit 50 us)");
}
