// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <functional>
#include <list>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace async = effects::async;
using namespace std::chrono_literals;

namespace {

void let_others_run() {
    for (int i = 0; i < 50; ++i) async::yield();
}

effects::error refused(std::string text) {
    return effects::error(std::make_error_code(std::errc::connection_refused), std::move(text));
}

// Counts those that run, and those that were cancelled.
struct gauge {
    int running = 0;
    int most = 0;
    int cancelled = 0;
    std::vector<async::reason> why;

    template <class F>
    void during(F&& f) {
        most = std::max(most, ++running);
        struct back {
            int& n;
            ~back() { --n; }
        } guard{running};
        try {
            f();
        } catch (async::cancelled const& c) {
            ++cancelled;
            why.push_back(c.why());
            throw;
        }
    }
};

} // namespace

EFFECTS_IN_BOTH_WORLDS("as_completed yields results in the order in which they end, with their places",
                       "[async][as_completed]") {
    std::vector<async::event> go(4);
    std::vector<std::function<int()>> jobs;
    for (std::size_t i = 0; i < 4; ++i)
        jobs.emplace_back([&, i] {
            go[i].wait();
            return static_cast<int>(10 * i);
        });
    std::vector<std::pair<std::size_t, int>> got;
    go[2].set();
    for (auto& [i, value] : async::as_completed(jobs)) {
        got.emplace_back(i, value);
        constexpr std::size_t next[] = {9, 3, 0, 1};
        if (i != 1) go[next[i == 2 ? 2 : i == 0 ? 1 : 3]].set();
    }
    CHECK(got == std::vector<std::pair<std::size_t, int>>{{2, 20}, {0, 0}, {3, 30}, {1, 10}});
}

EFFECTS_IN_BOTH_WORLDS("as_completed maps elements, references included, and takes temporaries along",
                       "[async][as_completed]") {
    std::vector<int> numbers{1, 2, 3};
    int sum = 0;
    for (auto& [i, square] : async::as_completed(numbers, {.limit = 2}, [](int& n) {
             async::yield();
             ++n;
             return n * n;
         }))
        sum += square;
    CHECK(sum == 4 + 9 + 16);
    CHECK(numbers == std::vector{2, 3, 4});

    std::size_t length = 0;
    for (auto& [i, word] : async::as_completed(std::list<std::string>{"a", "bc", "def"}, {}, [](std::string const& w) {
             async::yield();
             return std::make_unique<std::string>(w + "!");
         }))
        length += word->size();
    CHECK(length == 9);

    for (auto& done : async::as_completed(numbers, {}, [&](int& n) -> int& { return n; }))
        CHECK(&done.value == &numbers[done.index]);

    std::istringstream text("3 4 5"); // elements that don't outlast the iterator's next step
    sum = 0;
    for (auto& [i, n] :
         async::as_completed(std::ranges::subrange(std::istream_iterator<int>(text), std::istream_iterator<int>()),
                             {.limit = 2}, [](int n) {
                                 async::yield();
                                 return n;
                             }))
        sum += n;
    CHECK(sum == 12);
}

EFFECTS_IN_BOTH_WORLDS("as_completed of nothing yields nothing; voids are units", "[async][as_completed]") {
    for (auto& done : async::as_completed(std::vector<std::function<int()>>{})) FAIL("there is " << done.index);
    std::vector<std::function<void()>> voids(3, [] { async::yield(); });
    int count = 0;
    for (auto& [i, nothing] : async::as_completed(voids)) {
        CHECK(nothing == effects::unit{});
        ++count;
    }
    CHECK(count == 3);
}

EFFECTS_IN_BOTH_WORLDS("as_completed runs so many at a time, and a result counts until the next is asked for",
                       "[async][as_completed]") {
    gauge all;
    int started = 0;
    int taken = 0;
    std::vector<int> numbers(12);
    for (auto& done : async::as_completed(numbers, {.limit = 3}, [&](int) {
             ++started;
             all.during([] { async::yield(); });
             return 0;
         })) {
        (void)done;
        ++taken;
        let_others_run(); // a slow loop
        CHECK(started <= taken + 2);
    }
    CHECK(taken == 12);
    CHECK(all.most == 3);
    CHECK_THROWS_AS(async::as_completed(numbers, {.limit = 0}, [](int) { return 0; }), std::invalid_argument);
}

EFFECTS_IN_BOTH_WORLDS("breaking off as_completed cancels and joins the rest, and starts no more",
                       "[async][as_completed][cancel]") {
    gauge all;
    int started = 0;
    int ended = 0;
    std::vector<int> numbers{0, 1, 2, 3, 4, 5, 6, 7};
    for (auto& done : async::as_completed(numbers, {.limit = 4}, [&](int n) {
             ++started;
             struct count {
                 int& n;
                 ~count() {
                     async::shield(let_others_run);
                     ++n;
                 }
             } one{ended};
             all.during([&] {
                 if (n != 1) async::event().wait();
             });
             return n;
         })) {
        CHECK(done.value == 1);
        break;
    }
    CHECK(all.running == 0);
    CHECK(started == 4);
    CHECK(ended == started);
    CHECK(all.why == std::vector(3, async::reason::group_ended));
}

EFFECTS_IN_BOTH_WORLDS("an exception of the loop's body, and a return out of it, cancel and join the rest",
                       "[async][as_completed][cancel]") {
    gauge all;
    auto jobs = [&] {
        std::vector<std::function<int()>> made;
        made.emplace_back([] { return 1; });
        for (int i = 0; i < 3; ++i)
            made.emplace_back([&] {
                all.during([] { async::event().wait(); });
                return 2;
            });
        return made;
    };
    CHECK_THROWS_WITH(
        [&] {
            for (auto& done : async::as_completed(jobs()))
                throw std::runtime_error("body " + std::to_string(done.value));
        }(),
        "body 1");
    CHECK(all.cancelled == 3);
    CHECK([&] {
        for (auto& done : async::as_completed(jobs())) return done.value;
        return 0;
    }() == 1);
    CHECK(all.cancelled == 6);
    CHECK(all.running == 0);
}

EFFECTS_IN_BOTH_WORLDS("a failure comes in its turn, when the others were cancelled and have ended",
                       "[async][as_completed]") {
    gauge all;
    async::event fail;
    std::vector<std::function<int()>> jobs;
    jobs.emplace_back([] { return 1; });
    jobs.emplace_back([&]() -> int {
        fail.wait();
        throw refused("refused");
    });
    jobs.emplace_back([&]() -> int {
        all.during([] { async::event().wait(); });
        return 3;
    });
    jobs.emplace_back([&]() -> int {
        try {
            async::event().wait();
        } catch (async::cancelled const&) {
            throw refused("and did not end well");
        }
        return 4;
    });
    std::vector<int> got;
    bool suspended = false;
    try {
        for (auto& done : async::as_completed(jobs)) {
            got.push_back(done.value);
            fail.set();
            let_others_run(); // it fails meanwhile: the loop's body is not cancelled for it
            suspended = true;
        }
        FAIL("it ended well");
    } catch (effects::error const& e) {
        CHECK(std::string(e.what()) == "refused (and 1 more failed: and did not end well)");
    }
    CHECK(got == std::vector{1});
    CHECK(suspended);
    CHECK(all.why == std::vector{async::reason::sibling_failed});
    CHECK(all.running == 0);
}

EFFECTS_IN_BOTH_WORLDS("as_completed throws what the range itself throws, and cancels the calls",
                       "[async][as_completed]") {
    gauge all;
    auto numbers = std::views::iota(0, 5) | std::views::transform([](int n) {
                       if (n == 3) throw std::runtime_error("the range broke");
                       return n;
                   });
    CHECK_THROWS_WITH(
        [&] {
            for (auto& done : async::as_completed(numbers, {}, [&](int n) {
                     all.during([] { async::event().wait(); });
                     return n;
                 }))
                FAIL("there is " << done.value);
        }(),
        "the range broke");
    CHECK(all.running == 0);
}

EFFECTS_IN_BOTH_WORLDS("cancelling who loops cancels the calls, and is thrown where the loop goes on",
                       "[async][as_completed][cancel]") {
    for (bool in_body : {false, true}) {
        gauge all;
        std::vector<std::function<int()>> jobs;
        jobs.emplace_back([] { return 1; });
        jobs.emplace_back([&] {
            all.during([] { async::event().wait(); });
            return 2;
        });
        bool left = false;
        async::task_group([&](async::group& g) {
            auto t = g.spawn([&] {
                for (auto& done : async::as_completed(jobs)) {
                    (void)done;
                    if (in_body) async::shield([] { async::sleep_for(3ms); });
                }
                left = true;
            });
            let_others_run();
            t.cancel(async::reason::shutdown);
        });
        CHECK_FALSE(left);
        CHECK(all.why == std::vector{async::reason::shutdown});
        CHECK(all.running == 0);
    }
}

EFFECTS_IN_BOTH_WORLDS("a result that is there is not taken by a cancelled loop", "[async][as_completed][cancel]") {
    int turns = 0;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            std::vector<std::function<int()>> jobs(3, [] { return 1; });
            for (auto& done : async::as_completed(jobs)) {
                (void)done;
                ++turns;
                g.cancel();
            }
        });
    });
    CHECK(turns == 1);
}

EFFECTS_IN_BOTH_WORLDS("as_completed under a timeout ends with it", "[async][as_completed][timeout]") {
    gauge all;
    std::vector<std::function<void()>> jobs(3, [&] { all.during([] { async::event().wait(); }); });
    CHECK_FALSE(async::try_timeout(2ms, [&] {
        for (auto& done : async::as_completed(jobs)) (void)done;
    }));
    CHECK(all.why == std::vector(3, async::reason::timed_out));
}

EFFECTS_IN_BOTH_WORLDS("as_completed is looped over once", "[async][as_completed]") {
    std::vector<std::function<int()>> jobs(2, [] { return 1; });
    auto results = async::as_completed(jobs);
    for (auto& done : results) (void)done;
    CHECK_THROWS_AS(results.begin(), std::logic_error);
}

EFFECTS_IN_BOTH_WORLDS("as_completed that is made and not looped over starts nothing", "[async][as_completed]") {
    int calls = 0;
    std::vector<std::function<void()>> jobs(2, [&] { ++calls; });
    {
        auto results = async::as_completed(jobs);
        async::yield();
    }
    CHECK(calls == 0);
}

EFFECTS_IN_BOTH_WORLDS("as_completed nests, and in tasks beside each other", "[async][as_completed]") {
    auto sum_of = [](int n) {
        int sum = 0;
        for (auto& done : async::as_completed(std::views::iota(0, n), {.limit = 2}, [](int m) {
                 async::yield();
                 return m;
             }))
            sum += done.value;
        return sum;
    };
    int total = 0;
    for (auto& done : async::as_completed(std::vector{3, 4, 5}, {}, sum_of)) {
        total += done.value;
        total += sum_of(2);
    }
    CHECK(total == 3 + 6 + 10 + 3);
}

EFFECTS_IN_BOTH_WORLDS("the calls of as_completed run under the handlers in force there", "[async][as_completed]") {
    struct ask {
        using result_type = int;
    };
    int sum = effects::handle(
        [] {
            int n = 0;
            for (auto& done : async::as_completed(std::vector{1, 2}, {}, [](int m) {
                     async::yield();
                     return m * effects::perform(ask{});
                 }))
                n += done.value;
            return n;
        },
        [](ask const&) { return 10; });
    CHECK(sum == 30);
}

// ---- outcomes ----

EFFECTS_IN_BOTH_WORLDS("as_completed_outcomes yields failures as others, and cancels nobody", "[async][as_completed]") {
    std::vector<std::string> got;
    for (auto& [i, done] : async::as_completed_outcomes(std::vector{0, 1, 2, 3}, {.limit = 2}, [](int n) {
             for (int k = 0; k < 5 * n; ++k) async::yield();
             if (n % 2) throw refused("odd " + std::to_string(n));
             return n;
         })) {
        if (done) {
            got.push_back(std::to_string(done.value()));
        } else {
            CHECK_THROWS_WITH(done.value(), "odd " + std::to_string(i));
            got.push_back("failed");
        }
    }
    std::sort(got.begin(), got.end());
    CHECK(got == std::vector<std::string>{"0", "2", "failed", "failed"});

    std::vector<std::function<void()>> jobs{[] { throw async::cancelled(async::reason::requested); }, [] {}};
    int failed = 0;
    for (auto& [i, done] : async::as_completed_outcomes(jobs)) failed += done ? 0 : 1;
    CHECK(failed == 1); // somebody's own
}

EFFECTS_IN_BOTH_WORLDS("as_completed_outcomes lets a cancellation from outside pass", "[async][as_completed][cancel]") {
    int turns = 0;
    gauge all;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            std::vector<std::function<void()>> jobs(2, [&] { all.during([] { async::event().wait(); }); });
            for (auto& done : async::as_completed_outcomes(jobs)) {
                (void)done;
                ++turns;
            }
            ++turns;
        });
        let_others_run();
        t.cancel();
    });
    CHECK(turns == 0);
    CHECK(all.cancelled == 2);
}

// ---- tasks ----

EFFECTS_IN_BOTH_WORLDS("as_completed over tasks yields them as they end", "[async][as_completed]") {
    async::task_group([](async::group& g) {
        async::event first, second;
        std::vector<async::task<int>> tasks;
        tasks.push_back(g.spawn([&] {
            second.wait();
            return 1;
        }));
        tasks.push_back(g.spawn([&] {
            first.wait();
            return 2;
        }));
        tasks.push_back(g.spawn([] { return 3; }));
        std::vector<int> got;
        for (auto& [i, value] : async::as_completed(tasks)) {
            got.push_back(value);
            if (i == 2) first.set();
            if (i == 1) second.set();
        }
        CHECK(got == std::vector{3, 2, 1});
        CHECK_THROWS_AS(tasks[0].get(), std::logic_error); // its value was moved out
    });
}

EFFECTS_IN_BOTH_WORLDS("breaking off as_completed over tasks cancels and joins them", "[async][as_completed][cancel]") {
    gauge all;
    async::task_group([&](async::group& g) {
        std::vector<async::task<void>> tasks;
        tasks.push_back(g.spawn([] { async::yield(); }));
        for (int i = 0; i < 3; ++i) tasks.push_back(g.spawn([&] { all.during([] { async::event().wait(); }); }));
        for (auto& done : async::as_completed(tasks)) {
            CHECK(done.index == 0);
            break;
        }
        CHECK(all.running == 0);
        for (auto& t : tasks) CHECK(t.done());
        CHECK(g.size() == 0);
    });
    CHECK(all.why == std::vector(3, async::reason::group_ended));
}

EFFECTS_IN_BOTH_WORLDS("a task that was cancelled by somebody is a failure of as_completed over tasks",
                       "[async][as_completed]") {
    async::task_group([&](async::group& g) {
        std::vector<async::task<void>> tasks;
        tasks.push_back(g.spawn([] { async::event().wait(); }));
        tasks[0].cancel();
        int failed = 0;
        for (auto& [i, done] : async::as_completed_outcomes(tasks)) {
            CHECK_THROWS_AS(done.value(), async::task_cancelled);
            ++failed;
        }
        CHECK(failed == 1);
    });
}

TEST_CASE("as_completed yields each result at its very instant, in sim", "[async][as_completed][sim]") {
    worlds::in_sim([] {
        auto begin = async::now();
        std::vector<std::pair<int, async::duration>> got;
        for (auto& [i, minutes] : async::as_completed(std::vector{5, 1, 3, 2}, {.limit = 2}, [](int n) {
                 async::sleep_for(std::chrono::minutes(n));
                 return n;
             }))
            got.emplace_back(minutes, async::now() - begin);
        CHECK(got == std::vector<std::pair<int, async::duration>>{{1, 1min}, {3, 4min}, {5, 5min}, {2, 6min}});
    });
}
