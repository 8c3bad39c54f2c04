// SPDX-License-Identifier: BSL-1.0
#include "child.hpp"
#include "operations.hpp"

#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::aborts;
using effects::control;
using effects::finally;
using effects::handle;
using effects::on;
using effects::perform;
using effects::returns;

namespace {

struct paused {
    effects::resumption<hold, paused> rest;
    int value = 0;
};

auto const keep = control<hold>([](hold, auto k) { return paused{std::move(k), 0}; });
auto const go_on = control<hold>([](hold, auto k) { return std::move(k).resume(1); });

} // namespace

TEST_CASE("finally runs once when the body returns, after returns", "[core][finally]") {
    trace log;
    auto note = [&](char const* what) { return finally([&log, what] { log.push_back(what); }); };
    auto map = returns([&](int x) {
        log.push_back("returns");
        return x + 1;
    });
    auto body = [&] {
        noted scope(log, "body");
        return 1;
    };

    SECTION("on the caller's stack") {
        CHECK(handle(body, note("finally"), map, on<ask>([] { return 1; })) == 2);
        CHECK(log == trace{"~body", "returns", "finally"});
    }
    SECTION("with nothing else") {
        CHECK(handle(body, note("finally")) == 1);
        CHECK(log == trace{"~body", "finally"});
    }
    SECTION("on a stack of its own") {
        CHECK(handle(body, note("finally"), map, go_on) == 2);
        CHECK(log == trace{"~body", "returns", "finally"});
    }
    SECTION("several, the innermost first") {
        auto both = effects::handlers(note("second"), map);
        CHECK(handle(body, note("first"), both, note("third"), go_on) == 2);
        CHECK(log == trace{"~body", "returns", "first", "second", "third"});
    }
}

TEST_CASE("finally runs once when the body throws", "[core][finally]") {
    trace log;
    auto body = [&]() -> int {
        noted scope(log, "body");
        throw std::runtime_error("no");
    };
    auto note = finally([&] { log.push_back("finally"); });

    SECTION("on the caller's stack") {
        CHECK_THROWS_WITH(handle(body, note, on<ask>([] { return 1; })), "no");
    }
    SECTION("on a stack of its own") { CHECK_THROWS_WITH(handle(body, note, go_on), "no"); }
    SECTION("beside aborts") {
        CHECK_THROWS_WITH(handle(body, note, aborts<ask>([] { return 1; })), "no");
    }
    CHECK(log == trace{"~body", "finally"});
}

TEST_CASE("finally runs where returns throws", "[core][finally]") {
    int runs = 0;
    auto fails = returns([](int) -> int { throw std::runtime_error("returns"); });
    auto count = finally([&] { ++runs; });

    CHECK_THROWS_WITH(handle([] { return 1; }, fails, count), "returns");
    CHECK_THROWS_WITH(handle([] { return 1; }, fails, count, go_on), "returns");
    CHECK(runs == 2);
}

TEST_CASE("finally runs after the clause of aborts and the unwinding", "[core][finally]") {
    trace log;
    auto body = [&] {
        noted scope(log, "body");
        perform(fail{"x"});
        return 1;
    };
    auto give_up = aborts<fail>([&] {
        log.push_back("aborts");
        return -1;
    });
    auto note = finally([&] { log.push_back("finally"); });

    SECTION("on the caller's stack") { CHECK(handle(body, give_up, note) == -1); }
    SECTION("on a stack of its own") { CHECK(handle(body, give_up, note, go_on) == -1); }
    SECTION("of a handler further out") {
        CHECK(handle([&] { return handle(body, note); }, give_up) == -1);
    }
    SECTION("of a handler further out, through a stack") {
        CHECK(handle([&] { return handle(body, note, go_on); }, give_up) == -1);
    }
    CHECK(log == trace{"aborts", "~body", "finally"});
}

TEST_CASE("finally runs once when the resumption is dropped, where it is dropped", "[core][finally]") {
    trace log;
    auto body = [&] {
        noted scope(log, "body");
        return paused{{}, perform(hold{})};
    };
    auto note = finally([&] { log.push_back("finally " + std::to_string(perform(ask{}))); });

    SECTION("kept, then dropped under other handlers") {
        auto at = handle([&] { return handle(body, note, keep); }, on<ask>([] { return 1; }));
        CHECK(log.empty());
        handle([&] { at.rest = {}; }, on<ask>([] { return 2; }));
        CHECK(log == trace{"~body", "finally 2"});
    }
    SECTION("dropped by its clause") {
        handle([&] { return handle(body, note, control<hold>([](hold, auto) { return paused{}; })); },
               on<ask>([] { return 3; }));
        CHECK(log == trace{"~body", "finally 3"});
    }
    SECTION("dropped by a clause that throws") {
        handle(
            [&] {
                auto fails = control<hold>([](hold, auto) -> paused { throw std::runtime_error("clause"); });
                CHECK_THROWS_WITH(handle(body, note, fails), "clause");
            },
            on<ask>([] { return 4; }));
        CHECK(log == trace{"~body", "finally 4"});
    }
    SECTION("dropped with a handler that is captured inside") {
        auto at = handle([&] { return handle([&] { return handle(body, note); }, keep); }, on<ask>([] { return 1; }));
        handle([&] { at.rest = {}; }, on<ask>([] { return 5; }));
        CHECK(log == trace{"~body", "finally 5"});
    }
    SECTION("of a body that swallows the unwinding") {
        auto swallow = [&] {
            try {
                return body();
            } catch (...) {
                return paused{{}, 7};
            }
        };
        auto at = handle([&] { return handle(swallow, note, keep); }, on<ask>([] { return 1; }));
        handle([&] { at.rest = {}; }, on<ask>([] { return 6; }));
        CHECK(log == trace{"~body", "finally 6"});
    }
}

TEST_CASE("finally does not run for what is forgotten", "[core][finally]") {
    int runs = 0;
    auto at = handle([] { return paused{{}, perform(hold{})}; }, finally([&] { ++runs; }), keep);
    std::move(at.rest).forget();

    CHECK(runs == 0);
}

TEST_CASE("finally waits until a kept resumption has come to its end", "[core][finally]") {
    int runs = 0;
    auto owned = std::make_unique<int>(1); // kept with the body, so that it may run later
    auto at = handle(
        [] {
            return paused{{}, perform(hold{}) + perform(hold{})};
        },
        finally([&runs, owned = std::move(owned)] { runs += *owned; }), keep);
    at = std::move(at.rest).resume(1);
    CHECK(runs == 0);
    at = std::move(at.rest).resume(2);
    CHECK(runs == 1);
    CHECK(at.value == 3);
}

TEST_CASE("finally runs outside its handler", "[core][finally]") {
    std::vector<int> seen;
    auto look = finally([&] { seen.push_back(perform(ask{})); });
    auto one = on<ask>([] { return 1; });
    handle(
        [&] {
            handle([] {}, look, one);
            handle([] {}, one, look, control<hold>([](hold, auto k) { std::move(k).resume(1); }));
            CHECK_THROWS(handle([] { throw 1; }, look, one));
        },
        on<ask>([] { return 2; }));

    CHECK(seen == std::vector{2, 2, 2});
}

TEST_CASE("what finally throws leaves handle, in place of value and exception", "[core][finally]") {
    auto fails = finally([] { throw std::runtime_error("finally"); });

    CHECK_THROWS_WITH(handle([] { return std::string("value"); }, fails), "finally");
    CHECK_THROWS_WITH(handle([]() -> int { throw std::runtime_error("body"); }, fails), "finally");
    CHECK_THROWS_WITH(handle([] { return 1; }, fails, go_on), "finally");
    CHECK_THROWS_WITH(handle([]() -> int { throw std::runtime_error("body"); }, fails, go_on), "finally");

    int outer = 0;
    CHECK_THROWS_WITH(handle([] { return 1; }, fails, finally([&] { ++outer; })), "finally");
    CHECK(outer == 1);
}

TEST_CASE("finally may suspend, except in a dropped body, which ends it", "[core][finally]") {
    trace log;
    auto slow = finally([&] {
        log.push_back("before");
        perform(hold{});
        log.push_back("after");
    });
    SECTION("after a value") {
        CHECK(handle([&] { return handle([] { return 3; }, slow, on<ask>([] { return 1; })); }, go_on) == 3);
        CHECK(log == trace{"before", "after"});
    }
    SECTION("after an exception") {
        CHECK_THROWS_AS(
            handle(
                [&] { return handle([]() -> int { throw std::out_of_range("x"); }, slow, on<ask>([] { return 1; })); },
                go_on),
            std::out_of_range);
        CHECK(log == trace{"before", "after"});
    }
    SECTION("in a dropped body") {
        auto at = handle([] { return paused{{}, perform(hold{})}; }, slow, keep);
        CHECK(handle(
                  [&] {
                      at.rest = {};
                      return 4;
                  },
                  go_on) == 4);
        CHECK(log == trace{"before"});
    }
}

TEST_CASE("answers that can't be moved, references and void go past finally", "[core][finally]") {
    struct pinned {
        explicit pinned(int v) : value(v) {}
        pinned(pinned const&) = delete;
        int value;
    };
    int runs = 0;
    auto count = finally([&] { ++runs; });
    int cell = 1;

    CHECK(handle([] { return pinned(4); }, count).value == 4);
    handle([&]() -> int& { return cell; }, count) = 2;
    handle([&]() -> int& { return cell; }, count, on<ask>([] { return 1; })) += 1;
    handle([] {}, count);

    CHECK(cell == 3);
    CHECK(runs == 4);
}

TEST_CASE("an exception of finally in a dropped body ends the program", "[core][finally][death]") {
    auto end = in_child([] {
        auto at = handle([] { return paused{{}, perform(hold{})}; }, finally([] { throw 1; }), keep);
        at.rest = {};
    });

    CHECK_FALSE(end.exited);
    CHECK(end.code == SIGABRT);
}
