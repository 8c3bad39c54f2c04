// SPDX-License-Identifier: BSL-1.0
#include "worlds.hpp"

#include <algorithm>
#include <functional>
#include <list>
#include <memory>
#include <ranges>
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

effects::error refused(std::string text = "refused") {
    return effects::error(std::make_error_code(std::errc::connection_refused), std::move(text));
}

// Waits for ever, and notes that it was cancelled, and why.
struct sleeper {
    std::vector<async::reason>& cancelled;
    int operator()() const {
        try {
            async::event().wait();
        } catch (async::cancelled const& c) {
            async::shield(let_others_run);
            cancelled.push_back(c.why());
            throw;
        }
        return 0;
    }
};

} // namespace

// ---- all ----

EFFECTS_IN_BOTH_WORLDS("all gives results in the functions' order, whoever ends first", "[async][all]") {
    auto [slow, text, nothing, owned] = async::all(
        [] {
            let_others_run();
            return 1;
        },
        [] { return std::string("two"); }, [] {}, [] { return std::make_unique<int>(4); });

    CHECK(slow == 1);
    CHECK(text == "two");
    CHECK(nothing == effects::unit{});
    CHECK(*owned == 4);
}

EFFECTS_IN_BOTH_WORLDS("all of one function is a tuple of one", "[async][all]") {
    auto [one] = async::all([] { return 1; });
    CHECK(one == 1);
}

EFFECTS_IN_BOTH_WORLDS("all runs its functions beside each other, by reference", "[async][all]") {
    async::event a, b;
    struct counter {
        int calls = 0;
        async::event& set;
        async::event& wait;
        void operator()() {
            ++calls;
            set.set();
            wait.wait();
        }
        counter(async::event& s, async::event& w) : set(s), wait(w) {}
        counter(counter const&) = delete;
    };
    counter first(a, b), second(b, a);

    async::all(first, second);

    CHECK(first.calls == 1);
    CHECK(second.calls == 1);
}

EFFECTS_IN_BOTH_WORLDS("all of a failure cancels the others, waits for them, and throws it", "[async][all]") {
    std::vector<async::reason> cancelled;
    CHECK_THROWS_WITH(async::all(
                          sleeper{cancelled}, [] { throw std::runtime_error("no"); }, sleeper{cancelled}),
                      "no");
    // The third one was spawned into a cancelled group.
    CHECK(cancelled == std::vector{async::reason::sibling_failed, async::reason::sibling_failed});
}

EFFECTS_IN_BOTH_WORLDS("all of a range is a vector in its order", "[async][all]") {
    std::vector<std::function<int()>> jobs;
    for (int i = 0; i < 10; ++i)
        jobs.emplace_back([i] {
            for (int n = 10; n > i; --n) async::yield();
            return i;
        });
    CHECK(async::all(jobs) == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(async::all(std::vector<std::function<int()>>{}).empty());

    std::list<std::function<void()>> voids(3, [] { async::yield(); });
    CHECK(async::all(voids).size() == 3);
}

EFFECTS_IN_BOTH_WORLDS("all that is cancelled from outside throws, instead of giving what it has",
                       "[async][all][cancel]") {
    std::vector<async::reason> cancelled;
    bool gave = false;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            async::all([] { return 1; }, sleeper{cancelled});
            gave = true;
        });
        t.cancel(async::reason::shutdown);
    });
    CHECK_FALSE(gave);
    CHECK(cancelled == std::vector{async::reason::shutdown});
}

// ---- all_outcomes ----

EFFECTS_IN_BOTH_WORLDS("all_outcomes tells how each function ended, and cancels nobody", "[async][all_outcomes]") {
    auto [value, failed, nothing] = async::all_outcomes(
        [] {
            let_others_run();
            return 1;
        },
        []() -> int { throw std::runtime_error("no"); }, [] {});

    REQUIRE(value);
    CHECK(value.value() == 1);
    CHECK(value.error() == nullptr);
    CHECK_FALSE(failed);
    CHECK_THROWS_WITH(failed.value(), "no");
    CHECK(failed.value_or(9) == 9);
    CHECK(nothing);
}

EFFECTS_IN_BOTH_WORLDS("all_outcomes of a range is a vector of outcomes", "[async][all_outcomes]") {
    std::vector<std::function<int()>> jobs{[] { return 1; }, []() -> int { throw 2; }, [] { return 3; }};
    auto outcomes = async::all_outcomes(jobs);
    REQUIRE(outcomes.size() == 3);
    CHECK(outcomes[0].value() == 1);
    CHECK_THROWS_AS(outcomes[1].value(), int);
    CHECK(outcomes[2].value() == 3);
}

EFFECTS_IN_BOTH_WORLDS("all_outcomes lets a cancellation from outside pass, and keeps somebody's own",
                       "[async][all_outcomes][cancel]") {
    auto [own] = async::all_outcomes([] { throw async::cancelled(async::reason::requested); });
    CHECK_FALSE(own);

    bool gave = false;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            (void)async::all_outcomes([] { async::event().wait(); });
            gave = true;
        });
        t.cancel();
    });
    CHECK_FALSE(gave);
}

// ---- race ----

EFFECTS_IN_BOTH_WORLDS("race gives the first result; the losers are cancelled and have ended", "[async][race]") {
    std::vector<async::reason> cancelled;
    int value = async::race(
        sleeper{cancelled},
        [] {
            async::yield();
            return 5;
        },
        sleeper{cancelled});
    CHECK(value == 5);
    CHECK(cancelled == std::vector{async::reason::lost_race, async::reason::lost_race});
}

EFFECTS_IN_BOTH_WORLDS("race is won by an exception too", "[async][race]") {
    std::vector<async::reason> cancelled;
    CHECK_THROWS_WITH(async::race(sleeper{cancelled},
                                  []() -> int {
                                      async::yield();
                                      throw std::runtime_error("first");
                                  }),
                      "first");
    CHECK(cancelled.size() == 1);
}

EFFECTS_IN_BOTH_WORLDS("race of different results is a variant whose index tells the winner", "[async][race]") {
    auto won = async::race([] { async::event().wait(); }, [] { return 1; }, [] { return std::string("x"); });
    static_assert(std::is_same_v<decltype(won), std::variant<effects::unit, int, std::string>>);
    CHECK(won.index() == 1);
    CHECK(std::get<1>(won) == 1);

    auto same = async::race([] { return 1; }, [] {}, [] { return 2; });
    CHECK(same.index() == 0);
}

EFFECTS_IN_BOTH_WORLDS("race of voids is a unit", "[async][race]") {
    static_assert(std::is_same_v<decltype(async::race([] {}, [] {})), effects::unit>);
    async::race([] { async::event().wait(); }, [] { async::yield(); });
}

EFFECTS_IN_BOTH_WORLDS("race does not start those after one that ends at once", "[async][race]") {
    bool started = false;
    int value = async::race([] { return 1; },
                            [&] {
                                started = true;
                                return 2;
                            });
    CHECK(value == 1);
    CHECK_FALSE(started);
}

EFFECTS_IN_BOTH_WORLDS("what losers return or throw while they are cancelled is dropped", "[async][race]") {
    auto stubborn = [] {
        try {
            async::event().wait();
        } catch (async::cancelled const&) {
        }
        return 1;
    };
    auto angry = []() -> int {
        try {
            async::event().wait();
        } catch (async::cancelled const&) {
            throw std::runtime_error("angry");
        }
        return 2;
    };
    CHECK(async::race(stubborn, angry, [] {
              async::yield();
              return 3;
          }) == 3);
}

EFFECTS_IN_BOTH_WORLDS("race of a range; of an empty one is an error", "[async][race]") {
    std::vector<std::function<int()>> jobs{[] {
                                               async::event().wait();
                                               return 1;
                                           },
                                           [] {
                                               async::yield();
                                               return 2;
                                           }};
    CHECK(async::race(jobs) == 2);
    jobs.clear();
    CHECK_THROWS_AS(async::race(jobs), std::invalid_argument);
}

EFFECTS_IN_BOTH_WORLDS("race that is cancelled from outside cancels its runners and throws", "[async][race][cancel]") {
    std::vector<async::reason> cancelled;
    async::task_group([&](async::group& g) {
        auto t = g.spawn([&] {
            async::race(sleeper{cancelled}, sleeper{cancelled});
            FAIL("not reached");
        });
        t.cancel(async::reason::shutdown);
    });
    CHECK(cancelled == std::vector{async::reason::shutdown, async::reason::shutdown});
}

EFFECTS_IN_BOTH_WORLDS("races nest", "[async][race]") {
    int value = async::race(
        [] {
            return async::race(
                [] {
                    async::event().wait();
                    return 1;
                },
                [] {
                    let_others_run();
                    return 2;
                });
        },
        [] {
            async::event().wait();
            return 3;
        });
    CHECK(value == 2);
}

// ---- any ----

EFFECTS_IN_BOTH_WORLDS("any gives the first success and passes over failures", "[async][any]") {
    std::vector<async::reason> cancelled;
    int value = async::any([]() -> int { throw refused(); },
                           [] {
                               async::yield();
                               return 2;
                           },
                           sleeper{cancelled});
    CHECK(value == 2);
    CHECK(cancelled == std::vector{async::reason::lost_race});
}

EFFECTS_IN_BOTH_WORLDS("any of failures only lists them all, in order", "[async][any]") {
    try {
        async::any(
            [] {
                let_others_run();
                throw refused("mirror a is down");
            },
            [] { throw std::runtime_error("mirror b is strange"); }, [] { throw 3; });
        FAIL("no exception");
    } catch (async::all_failed const& e) {
        CHECK(std::string(e.what()) ==
              "all 3 failed: (1) mirror a is down; (2) mirror b is strange; (3) an exception that is not "
              "a std::exception");
        CHECK(e.code() == std::errc::connection_refused);
        REQUIRE(e.errors().size() == 3);
        CHECK_THROWS_AS(std::rethrow_exception(e.errors()[2]), int);
    }
}

EFFECTS_IN_BOTH_WORLDS("any is tried again where one of its failures may go away", "[async][any][retry]") {
    auto calls_of = [](auto first, auto second) {
        int calls = 0;
        CHECK_THROWS_AS(async::retry({.attempts = 2, .backoff = async::constant(0ms)},
                                     [&] {
                                         ++calls;
                                         async::any([&] { throw first; }, [&] { throw second; });
                                     }),
                        async::all_failed);
        return calls;
    };
    CHECK(calls_of(std::runtime_error("for good"), refused()) == 2);
    CHECK(calls_of(std::runtime_error("for good"), 3) == 1);
}

EFFECTS_IN_BOTH_WORLDS("any of a range", "[async][any]") {
    std::vector<std::function<int()>> jobs{[]() -> int { throw 1; }, [] { return 2; }};
    CHECK(async::any(jobs) == 2);
    jobs.pop_back();
    CHECK_THROWS_AS(async::any(jobs), async::all_failed);
    jobs.clear();
    CHECK_THROWS_AS(async::any(jobs), std::invalid_argument);
}

// ---- map, for_each ----

EFFECTS_IN_BOTH_WORLDS("map gives results in the elements' order, with no more calls at a time than the limit",
                       "[async][map]") {
    int running = 0, most = 0;
    std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7, 8, 9};
    auto doubled = async::map(numbers, {.limit = 3}, [&](int n) {
        most = std::max(most, ++running);
        for (int i = 10; i > n; --i) async::yield();
        --running;
        return n * 2;
    });
    CHECK(doubled == std::vector{2, 4, 6, 8, 10, 12, 14, 16, 18});
    CHECK(most == 3);
}

EFFECTS_IN_BOTH_WORLDS("map takes what only moves, temporary ranges, views, and elements by reference",
                       "[async][map]") {
    auto owned = async::map(std::vector{1, 2}, [](int n) {
        async::yield();
        return std::make_unique<int>(n);
    });
    CHECK(*owned[1] == 2);

    std::vector<int> numbers{1, 2, 3};
    async::for_each(numbers, [](int& n) {
        async::yield();
        n *= 10;
    });
    CHECK(numbers == std::vector{10, 20, 30});

    auto view = numbers | std::views::transform([](int n) { return n + 1; });
    CHECK(async::map(view, {.limit = 1}, [](int n) { return n; }) == std::vector{11, 21, 31});
    CHECK(async::map(std::vector<int>{}, [](int n) { return n; }).empty());
}

EFFECTS_IN_BOTH_WORLDS("map copies the elements of a range that can be read only once", "[async][map]") {
    std::istringstream words("one two three");
    auto once = std::ranges::istream_view<std::string>(words);
    auto upper = async::map(once, {.limit = 8}, [](std::string const& w) {
        let_others_run();
        return w + "!";
    });
    CHECK(upper == std::vector<std::string>{"one!", "two!", "three!"});
}

EFFECTS_IN_BOTH_WORLDS("a failure in map cancels the others and starts no more", "[async][map]") {
    int started = 0;
    std::vector<int> numbers(10);
    CHECK_THROWS_AS(async::map(numbers, {.limit = 2},
                               [&](int) -> int {
                                   if (++started == 2) throw std::runtime_error("second");
                                   async::event().wait();
                                   return 0;
                               }),
                    std::runtime_error);
    CHECK(started == 2);
}

EFFECTS_IN_BOTH_WORLDS("a limit of none never starts, and is refused", "[async][map]") {
    CHECK_THROWS_AS(async::map(std::vector{1}, {.limit = 0}, [](int n) { return n; }), std::invalid_argument);
}

EFFECTS_IN_BOTH_WORLDS("the elements' tasks are numbered like the elements", "[async][map]") {
    auto paths = async::map(std::vector{0, 0, 0}, {.limit = 1}, [](int) {
        async::yield();
        return async::detail::current_task().path();
    });
    CHECK(paths == std::vector<std::string>{"main/1", "main/2", "main/3"});
}

// ---- every ----

EFFECTS_IN_BOTH_WORLDS("every calls at once and then once a period, until it is told to stop", "[async][every]") {
    int calls = 0;
    auto begun = async::now();
    async::every(1ms, [&] { return ++calls < 3; });
    CHECK(calls == 3);
    CHECK(async::now() - begun >= 2ms);
}

EFFECTS_IN_BOTH_WORLDS("every ends by cancellation and by exceptions", "[async][every]") {
    int calls = 0;
    CHECK_THROWS_AS(async::timeout(3ms, [&] { async::every(1ms, [&] { ++calls; }); }), async::timed_out);
    CHECK(calls >= 1);
    CHECK_THROWS_AS(async::every(1ms, [] { throw 1; }), int);
    CHECK_THROWS_AS(async::every(0ms, [] {}), std::invalid_argument);
    CHECK_THROWS_AS(async::every(-1s, [] {}), std::invalid_argument);
}

// ---- retry ----

EFFECTS_IN_BOTH_WORLDS("retry tries again what may go away, and tells the attempt's number", "[async][retry]") {
    std::vector<int> attempts;
    auto value = async::retry({.attempts = 5, .backoff = async::constant(10us)}, [&](int attempt) {
        attempts.push_back(attempt);
        if (attempt < 3) throw refused();
        return std::make_unique<int>(attempt);
    });
    CHECK(*value == 3);
    CHECK(attempts == std::vector{1, 2, 3});
}

EFFECTS_IN_BOTH_WORLDS("retry throws the last error, with what was tried", "[async][retry]") {
    int calls = 0;
    try {
        async::retry({.attempts = 3, .backoff = async::constant(10us)},
                     [&] { throw refused("refused " + std::to_string(++calls)); });
        FAIL("no exception");
    } catch (effects::error const& e) {
        CHECK(std::string(e.what()) == "while retrying, after 3 attempts: refused 3");
        CHECK(e.code() == std::errc::connection_refused);
    }
    CHECK(calls == 3);
}

EFFECTS_IN_BOTH_WORLDS("retry does not repeat what would not help", "[async][retry]") {
    int calls = 0;
    CHECK_THROWS_WITH(async::retry([&] {
                          ++calls;
                          throw effects::error(std::make_error_code(std::errc::permission_denied), "denied");
                      }),
                      "denied");
    CHECK_THROWS_AS(async::retry([&] {
                        ++calls;
                        throw std::logic_error("bug");
                    }),
                    std::logic_error);
    CHECK_THROWS_AS(async::retry([&] {
                        ++calls;
                        throw 1;
                    }),
                    int);
    CHECK(calls == 3);

    CHECK_THROWS_WITH(async::retry({.backoff = async::constant(1us)},
                                   [](int attempt) {
                                       if (attempt == 1) throw refused();
                                       throw effects::error(std::make_error_code(std::errc::permission_denied),
                                                            "denied");
                                   }),
                      "while retrying, in attempt 2: denied");
}

EFFECTS_IN_BOTH_WORLDS("retry looks at results and at exceptions, as `when` names them", "[async][retry]") {
    async::retry_options how{.attempts = 4,
                             .backoff = async::constant(1us),
                             .when = {async::is_transient, [](int const& status) { return status == 503; },
                                      [](std::range_error const&) { return true; }}};
    auto value = async::retry(how, [](int attempt) {
        if (attempt == 1) throw refused();
        if (attempt == 2) throw std::range_error("x");
        return attempt == 3 ? 503 : 200;
    });
    CHECK(value == 200);
    CHECK(async::retry(how, [] { return 503; }) == 503); // the last one, as it is
}

EFFECTS_IN_BOTH_WORLDS("a retry whose `when` could never see the function's result says so", "[async][retry]") {
    async::retry_options how{.when = [](long status) { return status == 503; }};
    int calls = 0;
    CHECK_THROWS_WITH(async::retry(how,
                                   [&] {
                                       ++calls;
                                       return 503; // an int
                                   }),
                      Catch::Contains("values of type long") && Catch::Contains("returns int"));
    CHECK_THROWS_AS(async::retry(how, [&] { ++calls; }), std::invalid_argument);
    CHECK(calls == 0);
}

EFFECTS_IN_BOTH_WORLDS("a retry's predicate may look at any exception, as an exception_ptr", "[async][retry]") {
    int calls = 0;
    async::retry_options how{.attempts = 4, .backoff = async::constant(1us), .when = [](std::exception_ptr const& e) {
                                 return e != nullptr;
                             }};
    CHECK_THROWS_AS(async::retry(how,
                                 [&]() -> int {
                                     ++calls;
                                     throw 7;
                                 }),
                    int);
    CHECK(calls == 4);
    how.when = [](std::exception_ptr) { return false; };
    CHECK_THROWS_AS(async::retry(how,
                                 [&] {
                                     ++calls;
                                     throw refused();
                                 }),
                    effects::error);
    CHECK(calls == 5);
}

EFFECTS_IN_BOTH_WORLDS("a cancellation is never retried", "[async][retry][cancel]") {
    int calls = 0;
    async::task_group([&](async::group& g) {
        g.spawn([&] {
            async::retry(
                {.attempts = 5, .backoff = async::constant(1us), .when = [](std::exception const&) { return true; }},
                [&] {
                    ++calls;
                    async::event().wait();
                });
        });
        g.cancel();
    });
    CHECK(calls == 1);
}

EFFECTS_IN_BOTH_WORLDS("a retry that waits is cancelled where it waits", "[async][retry][cancel]") {
    int calls = 0;
    CHECK_THROWS_AS(async::race(
                        [&] {
                            async::retry({.backoff = async::constant(1h)}, [&] {
                                ++calls;
                                throw refused();
                            });
                        },
                        [] {
                            async::yield();
                            throw 1;
                        }),
                    int);
    CHECK(calls == 1);
}

EFFECTS_IN_BOTH_WORLDS("retry does not wait beyond the deadline, and says that there was no time",
                       "[async][retry][timeout]") {
    int calls = 0;
    CHECK_THROWS_WITH(async::timeout(1min,
                                     [&] {
                                         async::retry({.backoff = async::constant(1h)}, [&] {
                                             ++calls;
                                             throw refused();
                                         });
                                     }),
                      "while retrying, after 1 attempt (no time for another): refused");
    CHECK(calls == 1);
}

EFFECTS_IN_BOTH_WORLDS("a time that was over inside is retried, one around is not", "[async][retry][timeout]") {
    CHECK(async::retry({.backoff = async::constant(1us)}, [](int attempt) {
              return async::timeout(attempt == 1 ? 1ms : 1h, [&] {
                  if (attempt == 1) async::event().wait();
                  return attempt;
              });
          }) == 2);
}

EFFECTS_IN_BOTH_WORLDS("retry of no attempts is refused", "[async][retry]") {
    CHECK_THROWS_AS(async::retry({.attempts = 0}, [] { return 1; }), std::invalid_argument);
}

EFFECTS_IN_BOTH_WORLDS("jitter is drawn by an operation, which a handler may answer", "[async][retry]") {
    int drawn = 0;
    effects::handle(
        [] {
            async::retry({.attempts = 3, .backoff = async::exponential(10us).jitter()}, [](int attempt) {
                if (attempt < 3) throw refused();
            });
        },
        [&](async::draw_jitter const&) {
            ++drawn;
            return 0.5;
        });
    CHECK(drawn == 2);
}
