// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <memory>
#include <stdexcept>

#include <effects/shallow.hpp>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::aborts;
using effects::control;
using effects::handle;
using effects::perform;

TEST_CASE("an aborts clause answers in the body's place", "[core][aborts]") {
    auto run = [](bool failing) {
        return handle(
            [&] {
                if (failing) perform(fail{"no"});
                return std::string("done");
            },
            aborts<fail>([](fail const& f) { return "failed: " + f.why; }));
    };

    CHECK(run(false) == "done");
    CHECK(run(true) == "failed: no");
}

TEST_CASE("an aborts clause runs before the body unwinds", "[core][aborts]") {
    trace log;

    handle(
        [&] {
            noted outer(log, "outer");
            noted inner(log, "inner");
            perform(fail{});
            log.push_back("never");
        },
        aborts<fail>([&](fail const&) { log.push_back("clause"); }));

    CHECK(log == trace{"clause", "~inner", "~outer"});
}

TEST_CASE("an aborts clause runs outside its handler", "[core][aborts]") {
    auto answer = handle(
        [] {
            return handle(
                []() -> int {
                    perform(fail{"inner"});
                    return 0;
                },
                aborts<fail>([](fail const& f) -> int {
                    perform(fail{f.why + ", outer"});
                    return 1;
                }));
        },
        aborts<fail>([](fail const& f) { return f.why == "inner, outer" ? 2 : 3; }));

    CHECK(answer == 2);
}

TEST_CASE("an abort goes through handlers inside, and leaves those outside as they were", "[core][aborts]") {
    auto inner = GENERATE(0, 1, 2);
    CAPTURE(inner);

    auto answer = handle(
        [&] {
            int got = handle(
                [&]() -> int {
                    auto failing = [] {
                        perform(fail{});
                        return 0;
                    };
                    if (inner == 0) return handle(failing, [](ask) { return 1; });
                    if (inner == 1)
                        return handle(failing, control<ask>([](ask, auto k) { return std::move(k).resume(1); }));
                    return handle([] { return perform(ask{}); },
                                  [](ask) {
                                      perform(fail{});
                                      return 0;
                                  });
                },
                aborts<fail>([](fail const&) { return 10; }));
            return got + perform(ask{});
        },
        [](ask) { return 5; });

    CHECK(answer == 15);
}

TEST_CASE("an abort leaves through a body that was resumed elsewhere", "[core][aborts]") {
    using resumable = effects::resumption<hold, int>;
    resumable kept;
    int first = handle(
        [] {
            return handle(
                []() -> int {
                    perform(hold{});
                    perform(fail{});
                    return 1;
                },
                aborts<fail>([](fail const&) { return 2; }));
        },
        control<hold>([&](hold, resumable k) {
            kept = std::move(k);
            return 0;
        }));

    CHECK(first == 0);
    CHECK(std::move(kept).resume(1) == 2);
}

TEST_CASE("aborts and control work in one handle", "[core][aborts]") {
    trace log;

    int answer = handle(
        [&]() -> int {
            noted local(log, "local");
            if (perform(choose{})) perform(fail{});
            return 1;
        },
        aborts<fail>([](fail const&) { return 2; }),
        control<choose>([](choose, auto k) { return std::move(k).resume(true) * 10; }));

    CHECK(answer == 20);
    CHECK(log == trace{"~local"});
}

TEST_CASE("a body that swallows an abort has its value discarded", "[core][aborts]") {
    bool mapped = false;
    auto swallowing = [] {
        try {
            perform(fail{});
        } catch (...) {
        }
        return 1;
    };
    auto returns = effects::returns([&](int v) {
        mapped = true;
        return v;
    });
    auto clause = aborts<fail>([](fail const&) { return 2; });
    auto capturing = control<choose>([](choose, auto k) { return std::move(k).resume(true); });

    SECTION("on the caller's stack") { CHECK(handle(swallowing, clause, returns) == 2); }
    SECTION("on its own stack") { CHECK(handle(swallowing, clause, returns, capturing) == 2); }
    CHECK_FALSE(mapped);
}

TEST_CASE("a body that swallows an abort and throws something else has that discarded, too", "[core][aborts]") {
    auto body = []() -> int {
        try {
            perform(fail{});
        } catch (...) {
            throw std::runtime_error("from the catch block");
        }
        return 1;
    };
    auto clause = aborts<fail>([](fail const&) { return 2; });

    CHECK(handle(body, clause) == 2);
    CHECK(handle(body, clause, control<choose>([](choose, auto k) { return std::move(k).resume(true); })) == 2);
}

TEST_CASE("a body that swallows an abort and aborts again is unwound again, without the clause", "[core][aborts]") {
    int clauses = 0;
    int swallowed = 0;

    int answer = handle(
        [&]() -> int {
            for (int i = 0; i < 3; ++i) {
                try {
                    perform(fail{std::to_string(i)});
                } catch (...) {
                    ++swallowed;
                }
            }
            return 1;
        },
        aborts<fail>([&](fail const& f) {
            ++clauses;
            return f.why == "0" ? 2 : 3;
        }));

    CHECK(answer == 2);
    CHECK(clauses == 1);
    CHECK(swallowed == 3);
}

TEST_CASE("a body that swallows an abort can't be captured by its own handle any more", "[core][aborts]") {
    bool captured = false;
    int asked = 0;

    int answer = handle(
        [&]() -> int {
            try {
                perform(fail{});
            } catch (...) {
            }
            asked = perform(ask{}); // in place: still answered
            perform(choose{});
            return 1;
        },
        aborts<fail>([](fail const&) { return 2; }), [](ask) { return 6; }, control<choose>([&](choose, auto k) {
            captured = true;
            return std::move(k).resume(true);
        }));

    CHECK(answer == 2);
    CHECK(asked == 6);
    CHECK_FALSE(captured);
}

TEST_CASE("what an aborts clause throws leaves handle, not perform", "[core][aborts]") {
    bool body_caught = false;
    trace log;
    auto body = [&] {
        noted local(log, "local");
        try {
            perform(fail{});
        } catch (std::exception const&) {
            body_caught = true;
        }
    };
    auto throwing = aborts<fail>([](fail const&) { throw std::runtime_error("from the clause"); });

    SECTION("on the caller's stack") { CHECK_THROWS_WITH(handle(body, throwing), "from the clause"); }
    SECTION("on its own stack") {
        CHECK_THROWS_WITH(handle(body, throwing, control<ask>([](ask, auto k) { std::move(k).resume(1); })),
                          "from the clause");
    }
    CHECK_FALSE(body_caught);
    CHECK(log == trace{"~local"});
}

TEST_CASE("an aborts clause that is captured and dropped is unwound like any body", "[core][aborts]") {
    trace log;

    int answer = handle(
        [&] {
            return handle(
                [&]() -> int {
                    noted body(log, "body");
                    perform(fail{});
                    return 1;
                },
                aborts<fail>([&](fail const&) {
                    noted clause(log, "clause");
                    return perform(hold{});
                }));
        },
        control<hold>([](hold, auto) { return 9; }));

    CHECK(answer == 9);
    CHECK(log == trace{"~clause", "~body"});
}

TEST_CASE("an aborts clause may be captured and resumed", "[core][aborts]") {
    int answer = handle(
        [] {
            return handle(
                []() -> int {
                    perform(fail{});
                    return 1;
                },
                aborts<fail>([](fail const&) { return perform(hold{}) + 1; }));
        },
        control<hold>([](hold, auto k) { return std::move(k).resume(5) * 10; }));

    CHECK(answer == 60);
}

TEST_CASE("operations are answered in destructors while an aborted body unwinds", "[core][aborts]") {
    struct asks_at_end {
        int& out;
        ~asks_at_end() { out = perform(ask{}); }
    };
    int in_place = 0;
    int by_capture = 0;

    handle(
        [&] {
            asks_at_end a{in_place};
            perform(fail{});
        },
        [](ask) { return 3; }, aborts<fail>([](fail const&) {}));
    handle(
        [&] {
            handle(
                [&] {
                    asks_at_end a{by_capture};
                    perform(fail{});
                },
                aborts<fail>([](fail const&) {}));
        },
        control<ask>([](ask, auto k) { std::move(k).resume(4); }));

    CHECK(in_place == 3);
    CHECK(by_capture == 4);
}

TEST_CASE("an aborts clause takes a move-only operation and gives a move-only answer", "[core][aborts]") {
    struct give_up {
        using result_type = void;
        std::unique_ptr<int> with;
    };

    auto p = handle(
        []() -> std::unique_ptr<int> {
            perform(give_up{std::make_unique<int>(4)});
            return nullptr;
        },
        aborts<give_up>([](give_up g) { return std::move(g.with); }));

    REQUIRE(p);
    CHECK(*p == 4);
}

TEST_CASE("an aborted operation need not have a result that exists", "[core][aborts]") {
    struct impossible {
        impossible() = delete;
    };
    struct never_returns {
        using result_type = impossible&;
    };

    CHECK(handle([]() -> int { return perform(never_returns{}), 1; }, aborts<never_returns>([] { return 2; })) == 2);
}

TEST_CASE("what gives up a body further out outruns the abort that it had swallowed", "[core][aborts][control]") {
    struct stop {
        using result_type = void;
    };
    bool went_on = false;
    auto body = [] {
        try {
            perform(fail{"first"});
        } catch (...) { // swallows the unwinding
            perform(stop{});
        }
        return 1;
    };
    auto outer = aborts<stop>([] { return 3; });
    auto inner = aborts<fail>([](fail const&) { return 2; });
    auto resumes = control<ask>([](ask, auto k) { return std::move(k).resume(0); });

    auto around = [&](auto handle_inside) {
        return handle(
            [&] {
                int got = handle_inside();
                went_on = true;
                return got;
            },
            outer);
    };

    CHECK(around([&] { return handle(body, inner); }) == 3);
    CHECK(around([&] { return handle(body, inner, resumes); }) == 3);
    CHECK(around([&] { return effects::shallow::handle(body, inner, control<ask>([](ask, auto) { return 0; })); }) ==
          3);
    CHECK_FALSE(went_on);
}
