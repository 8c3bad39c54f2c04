// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <catch2/catch.hpp>

using namespace core_test;
using Catch::Contains;
using effects::handle;
using effects::perform;
using effects::unhandled_operation;

namespace shop {

struct charge_card {
    using result_type = int;
};
class terminal {
public:
    using operations = effects::operations<core_test::ask, core_test::choose>;
    int operator()(core_test::ask) const { return 1; }
    bool operator()(core_test::choose) const { return true; }
};
struct prints_badly {
    using result_type = void;
    friend std::ostream& operator<<(std::ostream&, prints_badly const&) { throw 42; }
};
struct with_default {
    using result_type = int;
    int value;
    static int default_answer(with_default const& op) { return op.value + 1; }
};

} // namespace shop

namespace {

template <class F>
std::string message(F&& f) {
    try {
        f();
    } catch (unhandled_operation const& e) {
        return e.what();
    }
    return "(nothing thrown)";
}

} // namespace

TEST_CASE("an operation without a handler says which, where, and what was in force", "[core][unhandled]") {
    std::string text = message([] {
        handle([] { return perform(shop::charge_card{}); }, [](ask) { return 1; }, shop::terminal{},
               effects::aborts<fail>([](fail const&) { return 0; }),
               effects::control<hold>([](hold, auto k) { return std::move(k).resume(0); }));
    });

    CHECK_THAT(text, Contains("unhandled operation shop::charge_card"));
    CHECK_THAT(text, Contains("unhandled_test.cpp:") && Contains("innermost first"));
    auto at = [&](char const* part) {
        CAPTURE(part, text);
        REQUIRE(text.find(part) != text.npos);
        return text.find(part);
    };
    CHECK(at("on core_test::ask") < at("shop::terminal: core_test::ask, core_test::choose"));
    CHECK(at("shop::terminal") < at("aborts core_test::fail, made at "));
    CHECK(at("aborts core_test::fail") < at("control core_test::hold, made at "));
}

TEST_CASE("an operation without any handler at all says that none is in force", "[core][unhandled]") {
    CHECK_THAT(message([] { perform(shop::charge_card{}); }), Contains("no handler is in force"));
}

TEST_CASE("an unhandled operation keeps its name and its place", "[core][unhandled]") {
    unsigned line = 0;
    try {
        line = __LINE__ + 1;
        perform(shop::charge_card{});
        FAIL("it should have thrown");
    } catch (unhandled_operation const& e) {
        CHECK(e.operation() == "shop::charge_card");
        CHECK(e.where().line() == line);
    }
}

TEST_CASE("only the handlers that the performer sees are listed", "[core][unhandled]") {
    std::string text = message([] {
        handle([] { perform(tell{"x"}); }, [](ask) { return 1; }, [](tell const&) { perform(shop::charge_card{}); },
               [](choose) { return true; });
    });

    CHECK_THAT(text,
               !Contains("on core_test::ask") && !Contains("on core_test::tell") && Contains("on core_test::choose"));
}

TEST_CASE("an unhandled operation can be caught, and the body goes on", "[core][unhandled]") {
    auto body = [] {
        try {
            return perform(shop::charge_card{});
        } catch (std::logic_error const&) {
            return perform(ask{});
        }
    };

    CHECK(handle(body, [](ask) { return 3; }) == 3);
    CHECK(handle(body, effects::control<ask>([](ask, auto k) { return std::move(k).resume(3); })) == 3);
}

TEST_CASE("a default answer is used where no handler is in force, and only there", "[core][unhandled]") {
    CHECK(perform(shop::with_default{1}) == 2);
    handle(
        [] {
            CHECK(perform(shop::with_default{1}) == 2);
            CHECK(perform(shop::with_default{4}) == 5); // the operation in hand, though the lookup is remembered
        },
        [](ask) { return 1; });
    CHECK(handle([] { return perform(shop::with_default{1}); }, [](shop::with_default d) { return d.value * 100; }) ==
          100);
    CHECK(handle([] { return perform(shop::with_default{1}); },
                 [](shop::with_default d) { return perform(d) * 100; }) == 200);
}

TEST_CASE("an operation performed where a thread has no handlers for a reason says the reason", "[core][unhandled]") {
    auto perform_it = [] { perform(shop::charge_card{}); };
    {
        effects::detail::explains_no_handlers const here("this is nowhere");
        CHECK_THAT(message(perform_it), Contains("no handler is in force: this is nowhere"));
        CHECK_THAT(message([&] { handle(perform_it, [](ask) { return 1; }); }), !Contains("nowhere"));
    }
    CHECK_THAT(message(perform_it), !Contains("nowhere"));
}

TEST_CASE("an operation whose printing throws anything is unhandled all the same", "[core][unhandled]") {
    CHECK_THAT(message([] { perform(shop::prints_badly{}); }), Contains("unhandled operation shop::prints_badly"));
}
