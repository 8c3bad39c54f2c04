// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::any_operation;
using effects::can;
using effects::control;
using effects::handle;
using effects::on;
using effects::perform;

namespace {

struct with_default {
    using result_type = int;
    static int default_answer(with_default const&) { return 7; }
};

int asks(can<ask> fx) { return fx.perform(ask{}); }
int asks_and_chooses(can<choose, ask> fx) { return asks(fx) + (fx.perform(choose{}) ? 10 : 20); }

auto const answer_one = on<ask>([] { return 1; });
auto const say_yes = on<choose>([] { return true; });

template <class Fx, class Op>
concept may_perform = requires(Fx fx, Op op) {
    fx.perform(op);
};

static_assert(std::is_empty_v<can<ask, choose>>);
static_assert(std::is_trivially_copyable_v<can<ask, choose>>);
static_assert(!std::is_default_constructible_v<can<ask>>);
static_assert(may_perform<can<ask>, ask> && !may_perform<can<ask>, choose> && !may_perform<can<>, ask>);
static_assert(may_perform<can<any_operation>, ask> && !may_perform<can<any_operation>, int>);
static_assert(std::is_convertible_v<can<ask, choose, tell>, can<tell, ask>>);
static_assert(std::is_convertible_v<can<ask, choose>, can<choose, ask>>);
static_assert(std::is_convertible_v<can<ask>, can<>>);
static_assert(std::is_convertible_v<can<any_operation>, can<ask, tell>>);
static_assert(!std::is_convertible_v<can<ask>, can<ask, choose>> && !std::is_convertible_v<can<>, can<ask>>);
static_assert(!std::is_convertible_v<can<ask>, can<any_operation>>);
static_assert(!std::is_convertible_v<can<ask>, can<ask, with_default>>);

} // namespace

TEST_CASE("a function performs through the capability that it takes", "[core][can]") {
    CHECK(handle(asks, answer_one) == 1);
    CHECK(handle(&asks, answer_one) == 1);
    CHECK(handle([](can<ask> fx) { return fx.perform(ask{}) + 1; }, answer_one) == 2);
    CHECK(handle([](can<ask> const& fx) { return asks(fx); }, answer_one) == 1);
    CHECK(handle(std::function<int(can<ask>)>(asks), answer_one) == 1);
}

TEST_CASE("a member function is a body, bound to its object", "[core][can]") {
    struct shop {
        int open(can<ask> fx) const { return fx.perform(ask{}) + add; }
        int add;
    };
    shop const s{4};

    CHECK(handle(std::bind_front(&shop::open, &s), answer_one) == 5);
    CHECK(handle(std::bind(&shop::open, &s, std::placeholders::_1), answer_one) == 5);
}

TEST_CASE("a capability is passed on as one of fewer operations, in any order", "[core][can]") {
    CHECK(handle(asks_and_chooses, answer_one, say_yes) == 11);
    CHECK(handle(asks_and_chooses, say_yes, answer_one, on<tell>([] {})) == 11);
}

TEST_CASE("a generic body gets exactly what is handled", "[core][can]") {
    handle(
        [](auto fx) {
            static_assert(std::is_same_v<decltype(fx), can<ask, choose>>);
            CHECK(asks_and_chooses(fx) == 11);
        },
        answer_one, say_yes, [](ask) { return 5; });
    handle([](auto fx) { static_assert(std::is_same_v<decltype(fx), can<>>); });
}

TEST_CASE("every kind of handler counts for a capability", "[core][can]") {
    struct object {
        using operations = effects::operations<ask, tell>;
        int operator()(ask const&) const { return 1; }
        void operator()(tell const&) const {}
    };
    auto both = effects::handlers(object{}, say_yes);
    struct nothing {
        using operations = effects::operations<>;
    };
    auto body = [](auto fx) {
        static_assert(std::is_same_v<decltype(fx), can<ask, tell, choose, hold, fail>>);
        return fx.perform(ask{});
    };
    CHECK(handle(body, both, control<hold>([](hold, auto k) { return std::move(k).resume(1); }), nothing{},
                 effects::aborts<fail>([] { return -1; }), effects::returns([](int x) { return x + 1; })) == 2);
}

TEST_CASE("an operation with a default answer needs no handler for a capability", "[core][can]") {
    auto body = [](can<with_default, ask> fx) { return fx.perform(with_default{}) * 10 + fx.perform(ask{}); };

    CHECK(handle(body, answer_one) == 71);
    CHECK(handle(body, answer_one, [](with_default) { return 8; }) == 81);
}

TEST_CASE("fx.handle adds what it handles to what fx may perform", "[core][can]") {
    auto outer = [](can<ask> fx) {
        return fx.handle(
            [](auto inner) {
                static_assert(std::is_same_v<decltype(inner), can<choose, ask>>);
                return inner.handle([](can<tell, ask, choose> all) { return asks_and_chooses(all); }, [](tell) {});
            },
            say_yes);
    };
    CHECK(handle(outer, answer_one) == 11);
    CHECK(handle([](can<ask> fx) { return fx.handle<long>([&] { return asks(fx); }); }, answer_one) == 1L);
}

TEST_CASE("a capability survives its handlers, and then nobody answers", "[core][can]") {
    auto left_over = handle([](can<ask> fx) { return fx; }, answer_one);

    CHECK_THROWS_AS(left_over.perform(ask{}), effects::unhandled_operation);
    CHECK(handle([&] { return left_over.perform(ask{}); }, [](ask) { return 9; }) == 9);
}

TEST_CASE("what fx.perform throws names the caller's place", "[core][can]") {
    auto left_over = handle([](can<ask> fx) { return fx; }, answer_one);
    unsigned line = 0;
    try {
        line = __LINE__ + 1;
        left_over.perform(ask{});
        FAIL("nobody answers");
    } catch (effects::unhandled_operation const& e) {
        CHECK(e.where().line() == line);
        CHECK(std::string(e.where().file_name()).ends_with("can_test.cpp"));
    }
}

TEST_CASE("fx.perform passes its operation on without a copy", "[core][can]") {
    struct counting : counted {
        using result_type = std::pair<int, int>;
    };
    struct owning {
        using result_type = int;
        std::unique_ptr<int> value;
    };
    handle(
        [](can<counting, owning> fx) {
            counting op;
            CHECK(fx.perform(op) == std::pair(0, 0));
            CHECK(fx.perform(owning{std::make_unique<int>(3)}) == 3);
        },
        [](counting const& op) { return std::pair(op.copies, op.moves); }, [](owning op) { return *op.value; });
}

TEST_CASE("fx.perform gives references and throws what the clause throws", "[core][can]") {
    struct place {
        using result_type = int&;
    };
    int cell = 1;
    handle(
        [&](can<place, tell> fx) {
            fx.perform(place{}) = 2;
            CHECK_THROWS_WITH(fx.perform(tell{"x"}), "x");
        },
        [&](place) -> int& { return cell; }, [](tell const& t) { throw std::runtime_error(t.text); });
    CHECK(cell == 2);
}

TEST_CASE("a body with a capability is captured and resumed like any other", "[core][can]") {
    struct kept_answer {
        effects::resumption<hold, kept_answer> rest;
        int value = 0;
    };
    // The body's own capture lives with it: the lambda is gone when it goes on.
    auto suspended = [](std::unique_ptr<int> owned) {
        return handle(
            [owned = std::move(owned)](can<hold, ask> fx) {
                return kept_answer{{}, fx.perform(hold{}) * 100 + fx.perform(ask{}) * 10 + *owned};
            },
            control<hold>([](hold, auto k) {
                return kept_answer{std::move(k), 0};
            }),
            on<ask>([] { return 1; }));
    }(std::make_unique<int>(3));

    CHECK(std::move(suspended.rest).resume(5).value == 513);
}

TEST_CASE("a body that could be called without arguments is", "[core][can]") {
    struct either {
        int operator()() const { return 1; }
        int operator()(can<ask>) const { return 2; }
    };
    CHECK(handle(either{}, answer_one) == 1);
    CHECK(handle([](auto... none) { return sizeof...(none); }, answer_one) == 0);
}

TEST_CASE("an lvalue body stays where it is and keeps its constness", "[core][can]") {
    struct body {
        body() = default;
        body(body const&) = delete;
        int operator()(can<ask>) { return ++calls; }
        int operator()(can<ask>) const { return -calls; }
        int calls = 0;
    };
    body b;
    CHECK(handle(b, answer_one) == 1);
    CHECK(handle(std::as_const(b), answer_one) == -1);
    CHECK(handle(b, answer_one, control<hold>([](hold, auto k) { return std::move(k).resume(0); })) == 2);
}

TEST_CASE("a handler that says what it performs finds it further out", "[core][can]") {
    struct middle {
        using operations = effects::operations<ask>;
        using performs = effects::operations<choose, with_default>;
        int operator()(ask const&) const { return perform(choose{}) ? perform(with_default{}) : 0; }
    };
    CHECK(handle(asks, middle{}, say_yes) == 7);
    CHECK(handle([](can<choose> fx) { return fx.handle(asks, middle{}); }, say_yes) == 7);
}
