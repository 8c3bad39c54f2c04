// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <functional>
#include <memory>
#include <optional>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::resumption;

namespace {

// What a suspended computation gives: it asks for something, or it is done. Recursive: `rest` answers with it.
struct step {
    std::optional<int> done;
    resumption<hold, step> rest;
};

step stepwise(std::function<int()> body) {
    return handle<step>(std::move(body), effects::returns([](int v) {
                            return step{v, {}};
                        }),
                        control<hold>([](hold, resumption<hold, step> k) {
                            return step{{}, std::move(k)};
                        }));
}

struct numbers {
    using result_type = void;
    int n;
};

} // namespace

TEST_CASE("a control clause's value is the answer of handle", "[core][control]") {
    CHECK(handle([] { return perform(ask{}); }, control<ask>([](ask, auto k) { return k ? 7 : 0; })) == 7);
}

TEST_CASE("resuming gives the body's answer to the clause", "[core][control]") {
    int answer = handle([] { return perform(ask{}) + 1; },
                        control<ask>([](ask, auto k) { return std::move(k).resume(10) * 2; }));

    CHECK(answer == 22);
}

TEST_CASE("the handler stays in force for what is resumed", "[core][control]") {
    int asked = 0;

    int answer = handle([] { return perform(ask{}) + perform(ask{}) + perform(ask{}); },
                        control<ask>([&](ask, auto k) { return std::move(k).resume(++asked) + 100; }));

    CHECK(answer == 306); // each resume of the three gives the rest's answer
}

TEST_CASE("a resumption can be resumed after handle has returned", "[core][control]") {
    step s = stepwise([] { return perform(hold{}) * 10 + perform(hold{}); });

    REQUIRE(s.rest);
    s = std::move(s.rest).resume(1);
    REQUIRE(s.rest);
    s = std::move(s.rest).resume(2);

    CHECK_FALSE(s.rest);
    CHECK(s.done == 12);
}

TEST_CASE("suspended computations interleave as their holder likes", "[core][control]") {
    trace log;
    auto worker = [&log](std::string name) {
        return [&log, name] {
            for (int i = 0; i < 3; ++i) {
                log.push_back(name + std::to_string(i));
                perform(hold{});
            }
            return 0;
        };
    };

    step a = stepwise(worker("a"));
    step b = stepwise(worker("b"));
    while (a.rest || b.rest) {
        if (b.rest) b = std::move(b.rest).resume(0);
        if (a.rest) a = std::move(a.rest).resume(0);
    }

    CHECK(log == trace{"a0", "b0", "b1", "a1", "b2", "a2"});
}

TEST_CASE("a million resumes in tail position take constant stack", "[core][control]") {
    int sum = handle(
        [] {
            int total = 0;
            for (int i = 0; i < 1'000'000; ++i) total += perform(ask{});
            return total;
        },
        control<ask>([](ask, auto k) { return std::move(k).resume_tail(1); }));

    CHECK(sum == 1'000'000);
}

TEST_CASE("20,000 tail resumes, each of the computation before it, take constant stack of 256 KiB", "[core][control]") {
    // Two bodies hand over to each other from their clauses, on a stack of the size that bodies have.
    int turns = 0;
    auto ping_pong = [&] {
        effects::resumption<ask, int> waiting;
        auto take_turns = control<ask>([&](ask, auto k) -> effects::tail<int> {
            std::swap(waiting, k);
            if (!k) return 0;
            return std::move(k).resume_tail(turns);
        });
        auto body = [&] {
            while (turns < 20'000) {
                ++turns;
                perform(ask{});
            }
            return turns;
        };
        handle(body, take_turns); // waits
        return handle(body, take_turns);
    };

    int last = handle([&] { return ping_pong() + perform(hold{}); },
                      control<hold>([](hold, auto k) { return std::move(k).resume(0); }));

    CHECK(last == 20'000);
    CHECK(turns == 20'000);
}

TEST_CASE("a clause may answer or resume in tail position", "[core][control]") {
    auto run = [](int limit) {
        return handle(
            [] {
                int n = 0;
                while (perform(choose{})) ++n;
                return n;
            },
            control<choose>([limit, n = 0](choose, auto k) mutable -> effects::tail<int> {
                if (++n > limit) return -1;
                return std::move(k).resume_tail(true);
            }));
    };

    CHECK(run(5) == -1);
}

TEST_CASE("a tail resume that nobody returns unwinds the body", "[core][control]") {
    trace log;

    int answer = handle(
        [&] {
            noted local(log, "local");
            return perform(ask{});
        },
        control<ask>([](ask, auto k) {
            { auto discarded = std::move(k).resume_tail(1); }
            return 9;
        }));

    CHECK(answer == 9);
    CHECK(log == trace{"~local"});
}

TEST_CASE("a tail resume may go to another computation of the same answer", "[core][control]") {
    // A round-robin of two bodies, driven by one loop.
    trace log;
    std::vector<resumption<numbers, void>> ready;
    auto turn = control<numbers>([&](numbers op, resumption<numbers, void> k) {
        log.push_back(std::to_string(op.n));
        ready.push_back(std::move(k));
        auto next = std::move(ready.front());
        ready.erase(ready.begin());
        return std::move(next).resume_tail();
    });
    auto body = [&](int from) {
        return [&log, from] {
            perform(numbers{from});
            perform(numbers{from + 1});
            log.push_back("end " + std::to_string(from));
        };
    };
    auto park = control<numbers>([&](numbers op, resumption<numbers, void> k) {
        log.push_back("parked " + std::to_string(op.n));
        ready.push_back(std::move(k));
    });

    handle(body(10), park);
    handle(body(20), turn); // 20 is queued, 10 goes on under its own clause
    while (!ready.empty()) {
        auto next = std::move(ready.front());
        ready.erase(ready.begin());
        std::move(next).resume();
    }

    CHECK(log == trace{"parked 10", "20", "parked 11", "21", "end 10", "end 20"});
}

TEST_CASE("a control clause owns its operation", "[core][control]") {
    struct parcel : counted {
        using result_type = counted;
    };
    SECTION("copied once from an lvalue") {
        parcel mine;
        counted got = handle([&] { return perform(mine); },
                             control<parcel>([](parcel p, auto k) { return std::move(k).resume(std::as_const(p)); }));
        CHECK(got.copies == 2);
        CHECK(mine.copies + mine.moves == 0);
    }
    SECTION("never copied from an rvalue") {
        counted got = handle([] { return perform(parcel{}); },
                             control<parcel>([](parcel p, auto k) { return std::move(k).resume(std::move(p)); }));
        CHECK(got.copies == 0);
    }
    SECTION("so it is still there when the body that performed it has gone") {
        std::string text = handle(
            []() -> std::string {
                perform(tell{"a text too long for the small buffer, gone"});
                return "";
            },
            control<tell>([](tell const& t, auto k) {
                { auto dropped = std::move(k); }
                return t.text;
            }));
        CHECK(text == "a text too long for the small buffer, gone");
    }
}

TEST_CASE("an operation that can neither be copied nor moved stays valid until the resume", "[core][control]") {
    struct fixed {
        using result_type = int;
        explicit fixed(int v) : value(v) {}
        fixed(fixed const&) = delete;
        fixed& operator=(fixed const&) = delete;
        int value;
    };

    CHECK(handle([] { return perform(fixed{3}); },
                 control<fixed>([](fixed const& op, auto k) { return std::move(k).resume(op.value + 1); })) == 4);
}

TEST_CASE("a control clause runs outside handle", "[core][control]") {
    SECTION("its own operation reaches the next one out") {
        int answer = handle(
            [] {
                return handle([] { return perform(ask{}); },
                              control<ask>([](ask a, auto k) { return std::move(k).resume(perform(a) + 1); }));
            },
            [](ask) { return 10; });
        CHECK(answer == 11);
    }
    SECTION("it does not see the handlers inside") {
        int answer = handle(
            [] {
                return handle([] { return handle([] { return perform(ask{}); }, [](choose) { return true; }); },
                              control<ask>([](ask, auto k) { return std::move(k).resume(perform(choose{}) ? 1 : 2); }));
            },
            [](choose) { return false; });
        CHECK(answer == 2);
    }
    SECTION("nor those beside it: what is captured takes them along") {
        int answer = handle(
            [] {
                return handle([] { return perform(ask{}); },
                              control<ask>([](ask, auto k) { return std::move(k).resume(perform(choose{}) ? 1 : 2); }),
                              [](choose) { return true; });
            },
            [](choose) { return false; });
        CHECK(answer == 2);
    }
}

TEST_CASE("a resumed body sees the handlers in force where it is resumed", "[core][control]") {
    step s;
    handle([&] { s = stepwise([] { return perform(ask{}) * 100 + perform(hold{}) * 10 + perform(ask{}); }); },
           [](ask) { return 1; });

    s = handle([&] { return std::move(s.rest).resume(2); }, [](ask) { return 3; });

    CHECK(s.done == 123);
}

TEST_CASE("after a resume elsewhere the holder's own handlers are as they were", "[core][control]") {
    step s = stepwise([] { return perform(hold{}) + perform(ask{}); });

    int after = handle(
        [&] {
            s = std::move(s.rest).resume(1);
            return perform(ask{});
        },
        [](ask) { return 5; });

    CHECK(after == 5);
    CHECK(s.done == 6);
}

TEST_CASE("capturing takes the inner handlers along, fibers and all", "[core][control]") {
    // hold goes past a whole inner control handle, which is suspended in the middle of its body.
    step s = stepwise([] {
        return handle([] { return perform(ask{}) * 10 + perform(hold{}) + perform(ask{}); },
                      control<ask>([n = 0](ask, auto k) mutable { return std::move(k).resume(++n) + 1000; }));
    });

    REQUIRE(s.rest);
    s = std::move(s.rest).resume(5);

    CHECK(s.done == 1 * 10 + 5 + 2 + 2000);
}

TEST_CASE("a computation may be captured in the middle of a clause of `on`", "[core][control]") {
    step s = stepwise([] {
        return handle([] { return perform(ask{}) + perform(choose{}); }, [](choose) { return true; },
                      [](ask) { return perform(hold{}) * 2; });
    });

    s = std::move(s.rest).resume(20);

    CHECK(s.done == 41);
}

TEST_CASE("a computation may be captured in the middle of a control clause", "[core][control]") {
    step s = stepwise([] {
        return handle([] { return perform(ask{}) + 1; },
                      control<ask>([](ask, auto k) { return std::move(k).resume(perform(hold{})) * 2; }));
    });

    s = std::move(s.rest).resume(20);

    CHECK(s.done == 42);
}

TEST_CASE("resumes nest as calls do", "[core][control]") {
    int depth = handle(
        [] {
            int total = 0;
            for (int i = 0; i < 500; ++i) total += perform(ask{});
            return total;
        },
        control<ask>([](ask, auto k) { return std::move(k).resume(1) + 1; }));

    CHECK(depth == 1000);
}

TEST_CASE("a clause keeps its captures when its body ends while it runs", "[core][control]") {
    // They lie on the body's stack, which the next handle takes.
    auto take_its_stack = [] {
        return handle([] { return perform(ask{}) + static_cast<int>(std::string(200, 'x').size()); },
                      control<ask>([a = 1L, b = 2L, c = 3L, d = 4L](ask, auto k) {
                          return std::move(k).resume(static_cast<int>(a + b + c + d));
                      }));
    };
    auto how = GENERATE(0, 1, 2, 3, 4);
    auto held = std::make_shared<int>(how);

    std::string seen = handle([] { return perform(choose{}) ? std::string("body") : std::string(); },
                              control<choose>([&, held, text = std::string("captured")](choose, auto k) {
                                  std::string got;
                                  if (how == 0) got = std::move(k).resume(true);
                                  if (how == 1) auto dropped = std::move(k);
                                  if (how == 2) std::move(k).forget();
                                  if (how == 3) auto dropped = std::move(k).resume_tail(true);
                                  if (how == 4) CHECK_THROWS_AS(std::move(k).resume_with_exception(1), int);
                                  CHECK(take_its_stack() == 210);
                                  CHECK(*held == how);
                                  CHECK(held.use_count() == 2);
                                  return text + got;
                              }));

    CHECK(seen == (how == 0 ? "capturedbody" : "captured"));
    CHECK(held.use_count() == 1);
}

TEST_CASE("clauses of one body that nest all keep their captures until they return", "[core][control]") {
    auto held = std::make_shared<int>(0);

    int sum = handle([] { return perform(ask{}) + perform(ask{}) + perform(ask{}); },
                     control<ask>([held, one = 1](ask, auto k) {
                         int got = std::move(k).resume(one);
                         CHECK(handle([] { return perform(ask{}); },
                                      control<ask>([](ask, auto other) { return std::move(other).resume(5); })) == 5);
                         ++*held;
                         return got + one;
                     }));

    CHECK(sum == 6);
    CHECK(*held == 3);
    CHECK(held.use_count() == 1);
}

TEST_CASE("a clause that throws after its body has ended gives the stack back", "[core][control]") {
    auto held = std::make_shared<int>(0);

    CHECK_THROWS_AS(handle([] { return perform(ask{}); },
                           control<ask>([held](ask, auto k) -> int { throw std::move(k).resume(1) + *held; })),
                    int);

    CHECK(held.use_count() == 1);
}

TEST_CASE("a generator written with control yields each value in turn", "[core][control]") {
    struct yielded {
        using result_type = void;
        int value;
    };
    struct produced {
        int value = 0;
        resumption<yielded, std::unique_ptr<produced>> rest;
    };
    using item = std::unique_ptr<produced>;
    auto count = handle<item>(
        [] {
            for (int i = 0; i < 5; ++i) perform(yielded{i});
        },
        effects::returns([] { return item(); }), control<yielded>([](yielded y, auto k) {
            auto p = std::make_unique<produced>();
            p->value = y.value;
            p->rest = std::move(k);
            return p;
        }));

    std::vector<int> seen;
    while (count) {
        seen.push_back(count->value);
        count = std::move(count->rest).resume();
    }

    CHECK(seen == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a body on a stack of its own may be move-only and large", "[core][control]") {
    struct big {
        char bytes[16 * 1024] = {};
    };
    auto b = std::make_unique<big>();
    b->bytes[9000] = 'x';

    char c = handle([data = *b, p = std::make_unique<int>(1)] { return perform(ask{}) == *p ? data.bytes[9000] : '?'; },
                    control<ask>([](ask, auto k) { return std::move(k).resume(1); }));

    CHECK(c == 'x');
}

TEST_CASE("an answer of a handle that captures may be move-only, a reference or nothing", "[core][control]") {
    auto resume_one = control<ask>([](ask, auto k) { return std::move(k).resume(1); });
    int there = 0;
    bool ran = false;

    auto p = handle([] { return std::make_unique<int>(perform(ask{})); }, resume_one);
    int& r = handle([&]() -> int& { return perform(ask{}), there; },
                    control<ask>([](ask, auto k) -> int& { return std::move(k).resume(1); }));
    handle([&] { ran = perform(ask{}) == 1; }, resume_one);

    REQUIRE(p);
    CHECK(*p == 1);
    CHECK(&r == &there);
    CHECK(ran);
}

TEST_CASE("a clause of a void handle need not return anything", "[core][control]") {
    std::optional<resumption<hold, void>> kept;
    int got = 0;

    handle([&] { got = perform(hold{}); },
           control<hold>([&](hold, resumption<hold, void> k) { kept.emplace(std::move(k)); }));
    REQUIRE(kept);
    std::move(*kept).resume(4);

    CHECK(got == 4);
}

TEST_CASE("handles that capture nest to a hundred levels and are crossed by one operation", "[core][control]") {
    std::function<int(int)> nest = [&](int level) -> int {
        if (level == 0) return perform(hold{});
        return handle([&] { return nest(level - 1) + 1; },
                      control<choose>([](choose, auto k) { return std::move(k).resume(true); }));
    };

    step s = stepwise([&] { return nest(100); });
    REQUIRE(s.rest);
    s = std::move(s.rest).resume(1);

    CHECK(s.done == 101);
}
