// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <memory>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::control;
using effects::handle;
using effects::perform;
using effects::returns;

TEST_CASE("returns maps the body's value to the answer", "[core][returns]") {
    auto answer = handle([] { return perform(ask{}); }, [](ask) { return 4; },
                         returns([](int v) { return std::vector<int>(static_cast<std::size_t>(v), 1); }));

    CHECK(answer == std::vector{1, 1, 1, 1});
}

TEST_CASE("returns stands anywhere among the handlers", "[core][returns]") {
    auto text = [](int v) { return std::to_string(v); };
    auto body = [] { return perform(ask{}); };
    auto four = [](ask) { return 4; };

    CHECK(handle(body, returns(text), four) == "4");
    CHECK(handle(body, four, returns(text)) == "4");
    CHECK(handle(body, four, returns(text), [](tell const&) {}) == "4");
    CHECK(handle([] { return 4; }, returns(text)) == "4");
}

TEST_CASE("returns makes a value of a void body, and nothing of a value", "[core][returns]") {
    bool seen = false;

    CHECK(handle([] {}, [](ask) { return 4; }, returns([] { return 7; })) == 7);
    handle([] { return 3; }, [](ask) { return 4; }, returns([&](int v) { seen = v == 3; }));
    CHECK(seen);
}

TEST_CASE("returns runs outside its handlers", "[core][returns]") {
    auto asks = returns([](int v) { return v + perform(ask{}); });
    auto run = [&](auto&&... inner) {
        return handle([&] { return handle([] { return perform(ask{}); }, inner..., asks); }, [](ask) { return 100; });
    };

    CHECK(run([](ask) { return 1; }) == 101);
    CHECK(run([](ask) { return 1; }, effects::aborts<fail>([](fail const&) { return 0; })) == 101);
    CHECK(run(control<ask>([](ask, auto k) { return std::move(k).resume(1); })) == 101);
}

TEST_CASE("a clause's answer is not mapped again", "[core][returns]") {
    auto by_ten = returns([](int v) { return v * 10; });

    CHECK(handle([] { return perform(ask{}); }, control<ask>([](ask, auto) { return 3; }), by_ten) == 3);
    CHECK(handle([] { return perform(ask{}); }, control<ask>([](ask, auto k) { return std::move(k).resume(3); }),
                 by_ten) == 30);
    CHECK(handle([] { return perform(fail{}), 1; }, effects::aborts<fail>([](fail const&) { return 3; }), by_ten) == 3);
}

TEST_CASE("an exception of returns leaves handle, also past an aborts clause", "[core][returns]") {
    auto throwing = returns([](int) -> int { throw std::runtime_error("from returns"); });

    CHECK_THROWS_WITH(handle([] { return 1; }, [](ask) { return 1; }, throwing), "from returns");
    CHECK_THROWS_WITH(handle([] { return 1; }, effects::aborts<fail>([](fail const&) { return 0; }), throwing),
                      "from returns");
    CHECK_THROWS_WITH(handle([] { return perform(ask{}); },
                             control<ask>([](ask, auto k) { return std::move(k).resume(1); }), throwing),
                      "from returns");
}

TEST_CASE("an exception of the body is not mapped", "[core][returns]") {
    bool mapped = false;
    auto note = returns([&](int v) { return mapped = true, v; });

    CHECK_THROWS_AS(handle([]() -> int { throw 1; }, [](ask) { return 1; }, note), int);
    CHECK_FALSE(mapped);
}

TEST_CASE("an aborts clause is out of force when returns runs", "[core][returns]") {
    auto failing = returns([](int v) { return perform(fail{}), v; });

    int answer =
        handle([&] { return handle([] { return 1; }, effects::aborts<fail>([](fail const&) { return 2; }), failing); },
               effects::aborts<fail>([](fail const&) { return 3; }));

    CHECK(answer == 3);
}

TEST_CASE("returns takes move-only values and references", "[core][returns]") {
    int there = 1;
    auto resume_one = control<ask>([](ask, auto k) { return std::move(k).resume(1); });
    auto address = returns([](int& r) { return &r; });
    auto value = returns([](std::unique_ptr<int> p) { return *p; });

    CHECK(handle([&]() -> int& { return there; }, [](ask) { return 1; }, address) == &there);
    CHECK(handle([&]() -> int& { return perform(ask{}), there; }, resume_one, address) == &there);
    CHECK(handle([] { return std::make_unique<int>(5); }, [](ask) { return 1; }, value) == 5);
    CHECK(handle([] { return std::make_unique<int>(5 * perform(ask{})); }, resume_one, value) == 5);
}

TEST_CASE("returns runs once for a computation that is resumed many times", "[core][returns]") {
    int runs = 0;

    int answer = handle([] { return perform(ask{}) + perform(ask{}) + perform(ask{}); },
                        control<ask>([](ask, auto k) { return std::move(k).resume(1); }),
                        returns([&](int v) { return ++runs, v; }));

    CHECK(answer == 3);
    CHECK(runs == 1);
}
