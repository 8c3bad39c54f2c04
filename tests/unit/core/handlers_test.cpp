// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <memory>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::handle;
using effects::handlers;
using effects::perform;

namespace {

struct counter {
    using operations = effects::operations<ask>;
    int operator()(ask) { return ++n; }
    int n = 0;
};

} // namespace

TEST_CASE("handlers makes one of several, innermost first", "[core][handlers]") {
    auto both = handlers([](ask a) { return perform(a) + 10; }, [](ask) { return 1; });

    CHECK(handle([] { return perform(ask{}); }, both) == 11);
    CHECK(handle([] { return perform(ask{}); }, [](ask a) { return perform(a) + 100; }, both) == 111);
}

TEST_CASE("a stack of handlers is borrowed where it is an lvalue and kept where it is not", "[core][handlers]") {
    auto stack = handlers(counter{}, [](tell const&) {});
    auto body = [] { return perform(ask{}); };

    CHECK(handle(body, stack) == 1);
    CHECK(handle(body, stack) == 2);
    CHECK(handle(body, std::move(stack)) == 3);
    CHECK(handle(body, stack) == 3); // what was kept had been moved out: this one's count is its own
}

TEST_CASE("what handlers is given as an lvalue stays where it is", "[core][handlers]") {
    counter mine;
    auto stack = handlers(mine);
    auto nested = handlers(handlers(mine), [](tell const&) {});

    handle([] { perform(ask{}); }, stack);
    handle([] { perform(ask{}); }, nested);
    handle([] { perform(ask{}); }, handlers(mine));

    CHECK(mine.n == 3);
}

TEST_CASE("stacks of handlers nest, and hold every kind of clause", "[core][handlers]") {
    auto inner = handlers(effects::control<choose>([](choose, auto k) { return std::move(k).resume(true); }),
                          effects::returns([](int v) { return std::to_string(v); }));
    auto all = handlers(inner, handlers(effects::aborts<fail>([](fail const& f) { return f.why; }), counter{}));

    auto run = [&](bool failing) {
        return handle(
            [&] {
                if (failing) perform(fail{"failed"});
                return perform(choose{}) ? perform(ask{}) : 0;
            },
            all);
    };

    CHECK(run(false) == "1");
    CHECK(run(true) == "failed");
    CHECK(run(false) == "2");
}

TEST_CASE("handlers keeps what can only be moved", "[core][handlers]") {
    auto stack = handlers([p = std::make_unique<int>(4)](ask) { return *p; });
    auto moved = std::move(stack);

    CHECK(handle([] { return perform(ask{}); }, moved) == 4);
    CHECK(handle([] { return perform(ask{}); }, handlers(std::move(moved))) == 4);
}

TEST_CASE("a const stack of handlers can be borrowed", "[core][handlers]") {
    auto const stack = handlers([](ask) { return 4; }, [](choose) { return true; });

    CHECK(handle([] { return perform(choose{}) ? perform(ask{}) : 0; }, stack) == 4);
}

TEST_CASE("one stack of handlers may be installed twice at once", "[core][handlers]") {
    auto stack = handlers(counter{});

    int sum = handle(
        [&] { return perform(ask{}) + handle([] { return perform(ask{}); }, stack) * 10 + perform(ask{}) * 100; },
        stack);

    CHECK(sum == 1 + 20 + 300);
}
