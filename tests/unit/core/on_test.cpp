// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::handle;
using effects::on;
using effects::perform;

TEST_CASE("the innermost handler of an operation answers", "[core][on]") {
    auto answer =
        handle([] { return handle([] { return perform(ask{}); }, [](ask) { return 1; }); }, [](ask) { return 2; });

    CHECK(answer == 1);
}

TEST_CASE("an operation goes past handlers of other operations", "[core][on]") {
    auto answer =
        handle([] { return handle([] { return perform(ask{}); }, [](tell const&) {}); }, [](ask) { return 2; });

    CHECK(answer == 2);
}

TEST_CASE("the first handler in one call of handle is the innermost", "[core][on]") {
    auto answer = handle([] { return perform(ask{}); }, [](ask) { return 1; }, [](ask) { return 2; });

    CHECK(answer == 1);
}

TEST_CASE("a clause that performs its own operation reaches the next one out", "[core][on]") {
    SECTION("in another handle") {
        auto answer =
            handle([] { return handle([] { return perform(ask{}); }, [](ask a) { return perform(a) + 10; }); },
                   [](ask) { return 1; });
        CHECK(answer == 11);
    }
    SECTION("inside one handle") {
        auto answer = handle([] { return perform(ask{}); }, [](ask a) { return perform(a) + 100; },
                             [](ask a) { return perform(a) + 10; }, [](ask) { return 1; });
        CHECK(answer == 111);
    }
}

TEST_CASE("a clause does not see the handlers inside its own", "[core][on]") {
    auto answer = handle(
        [] {
            return handle([] { return handle([] { return perform(choose{}); }, [](ask) { return 1; }); },
                          [](choose) { return perform(ask{}) == 2; });
        },
        [](ask) { return 2; });

    CHECK(answer);
}

TEST_CASE("after a clause the inner handlers are in force again", "[core][on]") {
    auto answer = handle(
        [] {
            return handle(
                [] {
                    int first = perform(ask{});
                    perform(tell{"x"});
                    return first * 10 + perform(ask{});
                },
                [](ask) { return 1; });
        },
        [](tell const&) { CHECK(perform(ask{}) == 2); }, [](ask) { return 2; });

    CHECK(answer == 11);
}

TEST_CASE("after a clause that throws the inner handlers are in force again", "[core][on]") {
    auto answer = handle(
        [] {
            CHECK_THROWS_WITH(perform(tell{"x"}), "no");
            return perform(ask{});
        },
        [](ask) { return 1; }, [](tell const&) { throw std::runtime_error("no"); }, [](ask) { return 2; });

    CHECK(answer == 1);
}

TEST_CASE("after handle its handlers are gone, however the body ended", "[core][on]") {
    handle(
        [] {
            handle([] { perform(ask{}); }, [](ask) { return 1; });
            CHECK(perform(ask{}) == 2);
            CHECK_THROWS_AS(handle([] { throw perform(ask{}); }, [](ask) { return 1; }), int);
            CHECK(perform(ask{}) == 2);
        },
        [](ask) { return 2; });
    CHECK_THROWS_AS(perform(ask{}), effects::unhandled_operation);
}

TEST_CASE("a clause can install handlers of its own", "[core][on]") {
    auto answer =
        handle([] { return perform(ask{}); },
               [](ask) { return handle([] { return perform(ask{}) + perform(ask{}); }, [](ask) { return 21; }); });

    CHECK(answer == 42);
}

TEST_CASE("an lvalue clause is borrowed, an rvalue kept", "[core][on]") {
    auto counting = [n = 0](ask) mutable { return ++n; };
    auto ask_twice = [] { return perform(ask{}) * 10 + perform(ask{}); };

    CHECK(handle(ask_twice, counting) == 12);
    CHECK(handle(ask_twice, counting) == 34); // its state was ours
    CHECK(handle(ask_twice, std::move(counting)) == 56);
    CHECK(counting(ask{}) == 5); // and this time its own
}

TEST_CASE("an `on` made beforehand is borrowed, too", "[core][on]") {
    auto clause = on<ask>([n = 0]() mutable { return ++n; });
    auto body = [] { return perform(ask{}); };

    CHECK(handle(body, clause) == 1);
    CHECK(handle(body, clause) == 2);
}

TEST_CASE("clauses may be move-only, const and noexcept", "[core][on]") {
    auto body = [] { return perform(ask{}); };
    auto const constant = [](ask) noexcept { return 2; };
    auto quiet = [](ask) mutable noexcept { return 3; };

    CHECK(handle(body, [p = std::make_unique<int>(1)](ask) { return *p; }) == 1);
    CHECK(handle(body, constant) == 2);
    CHECK(handle(body, quiet) == 3);
    CHECK(handle(body, on<ask>(constant)) == 2);
}

TEST_CASE("bodies may be move-only, const, functions and void", "[core][on]") {
    struct plain {
        static int function() { return perform(ask{}); }
    };
    auto const constant = [] { return perform(ask{}); };
    bool ran = false;
    auto five = [](ask) { return 5; };

    CHECK(handle([p = std::make_unique<int>(1)] { return *p + perform(ask{}); }, five) == 6);
    CHECK(handle(constant, five) == 5);
    CHECK(handle(plain::function, five) == 5);
    CHECK(handle(&plain::function, five) == 5);
    handle([&] { ran = perform(ask{}) == 5; }, five);
    CHECK(ran);
}

TEST_CASE("a body's value comes through handle as it is", "[core][on]") {
    struct unmovable {
        explicit unmovable(int v) : value(v) {}
        unmovable(unmovable const&) = delete;
        unmovable& operator=(unmovable const&) = delete;
        int value;
    };
    int there = 0;

    unmovable u = handle([] { return unmovable(perform(ask{})); }, [](ask) { return 5; });
    int& same = handle([&]() -> int& { return there; }, [](ask) { return 5; });
    auto copied = handle([] { return counted(); }, [](ask) { return 5; });

    CHECK(u.value == 5);
    CHECK(&same == &there);
    CHECK(copied.moves + copied.copies == 0);
}

TEST_CASE("handle without any handler is a call", "[core][on]") {
    CHECK(handle([] { return 3; }) == 3);
    CHECK(handle([] { return 3; }, effects::handlers()) == 3);
}

TEST_CASE("handle can be told its answer's type", "[core][on]") {
    auto wide = handle<long>([] { return perform(ask{}); }, [](ask) { return 5; });
    static_assert(std::is_same_v<decltype(wide), long>);
    CHECK(wide == 5);
    handle<void>([] { return perform(ask{}); }, [](ask) { return 5; });
    static_assert(std::is_void_v<decltype(handle<void>([] { return 1; }, [](ask) { return 5; }))>);
}

TEST_CASE("the handlers move until they are installed, and then stay where they are", "[core][on]") {
    struct at_home {
        using operations = effects::operations<choose>;
        bool operator()(choose) { return this == first || !std::exchange(first, this); }
        at_home* first = nullptr;
    };

    handle(
        [] {
            CHECK(perform(choose{}));
            CHECK(handle([] { return perform(choose{}); }, [](ask) { return 1; }));
        },
        at_home{});
}

// ---- the place of the perform ----

namespace {

auto line_of() {
    return on<ask>([](ask const&, std::source_location where) { return static_cast<int>(where.line()); });
}

} // namespace

TEST_CASE("a clause may ask where its operation was performed, each time anew", "[core][on][place]") {
    std::string file, function;
    handle(
        [&] {
            for (int i = 0; i < 3; ++i) {
                CHECK(perform(ask{}) == __LINE__);
                CHECK(perform(ask{}) == __LINE__);
            }
            perform(tell{"x"});
        },
        line_of(), on<tell>([&](tell, std::source_location where) {
            file = where.file_name();
            function = where.function_name();
        }));

    CHECK(file == __FILE__);
    CHECK_FALSE(function.empty()); // how a lambda is called there, compilers don't agree on
}

TEST_CASE("a middleware passes the place of the perform on", "[core][on][place]") {
    auto passes_on = on<ask>([](ask op, std::source_location where) { return perform(op, where) * 10; });
    auto itself = on<ask>([](ask op) { return perform(op); });
    int const middleware = __LINE__ - 1;

    handle([] { CHECK(perform(ask{}) == __LINE__ * 100); }, passes_on, passes_on, line_of());
    handle([&] { CHECK(perform(ask{}) == middleware); }, itself, line_of());
    handle([&] { CHECK(perform(ask{}) == middleware * 10); }, itself, passes_on, line_of());
}

TEST_CASE("a clause that asks for the place is told it behind fibers, masks, tags and stacks of handlers",
          "[core][on][place]") {
    auto body = [] {
        CHECK(perform(ask{}) == __LINE__);
        CHECK(perform(ask{}) == __LINE__);
    };
    handle([&] { handle(body, effects::control<hold>([](hold, auto) {})); }, line_of());
    handle([&] { effects::mask<ask>(body); }, on<ask>([] { return 1; }), line_of());
    handle(body, effects::handlers(line_of(), on<ask>([] { return 1; })));
    handle(
        [] {
            CHECK(perform(effects::at<hold>(ask{})) == __LINE__);
            CHECK(perform(effects::at<hold>(ask{})) == __LINE__);
        },
        effects::at<hold>(line_of()));
    handle([] { CHECK(perform(effects::at<hold>(ask{})) == __LINE__); },
           effects::at<hold>(on<ask>([](ask op, std::source_location where) { return perform(op, where); })),
           line_of());
    auto const borrowed = line_of();
    handle(body, borrowed);
}

TEST_CASE("a clause that asks for the place may take its operation in any way", "[core][on][place]") {
    struct parcel {
        using result_type = int;
        std::unique_ptr<int> what;
    };
    auto body = [] { return perform(parcel{std::make_unique<int>(3)}); };

    CHECK(handle(body, on<parcel>([](parcel op, std::source_location) { return *op.what; })) == 3);
    CHECK(handle(body, on<parcel>([](parcel&& op, std::source_location) noexcept { return *op.what; })) == 3);
    CHECK(handle(body, on<parcel>([](auto const& op, std::source_location) { return *op.what; })) == 3);
    CHECK(handle(body, on<parcel>([](auto&&... all) { return static_cast<int>(sizeof...(all)); })) == 1);
}
