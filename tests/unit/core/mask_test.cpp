// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <catch2/catch.hpp>

using namespace core_test;
using effects::aborts;
using effects::control;
using effects::handle;
using effects::mask;
using effects::on;
using effects::perform;

namespace {

template <class Body>
int under_three(Body body) {
    return handle(body, on<ask>([] { return 3; }), on<ask>([] { return 2; }), on<ask>([] { return 1; }));
}

} // namespace

TEST_CASE("a masked operation skips its innermost handler", "[core][mask]") {
    CHECK(under_three([] { return mask<ask>([] { return perform(ask{}); }) * 10 + perform(ask{}); }) == 23);
}

TEST_CASE("masks inside masks add up", "[core][mask]") {
    CHECK(under_three([] { return mask<ask>([] { return mask<ask>([] { return perform(ask{}); }); }); }) == 1);
    CHECK(under_three([] { return mask<ask, ask>([] { return perform(ask{}); }); }) == 1);
}

TEST_CASE("each of two masks skips a handler outside its own place", "[core][mask]") {
    auto answer = handle(
        [] {
            return mask<ask>([] { // skips the 2
                return handle(
                    [] {
                        int direct = perform(ask{});
                        int masked = mask<ask>([] { return perform(ask{}); }); // the 3, too
                        return direct * 10 + masked;
                    },
                    on<ask>([] { return 3; }));
            });
        },
        on<ask>([] { return 2; }), on<ask>([] { return 1; }));

    CHECK(answer == 31);
}

TEST_CASE("a mask concerns its operations only", "[core][mask]") {
    auto answer = handle(
        [] { return mask<ask, hold>([] { return perform(ask{}) * 100 + perform(hold{}) * 10 + perform(choose{}); }); },
        on<ask>([] { return 2; }), on<hold>([] { return 4; }), on<choose>([] { return true; }),
        on<ask>([] { return 1; }), on<hold>([] { return 3; }));

    CHECK(answer == 131);
}

TEST_CASE("a handler inside the mask is not skipped", "[core][mask]") {
    auto answer = under_three([] {
        return mask<ask>([] {
            return handle([] { return perform(ask{}) * 10 + perform(ask{}); }, [](ask a) { return perform(a) + 2; });
        });
    });

    CHECK(answer == 44);
}

TEST_CASE("what frames remember stays right inside, beside and behind a mask", "[core][mask]") {
    auto answer = under_three([] {
        int sum = 0;
        for (int round = 0; round < 3; ++round) {
            sum = sum * 10 + perform(ask{});
            sum = sum * 10 + mask<ask>([] {
                      int first = perform(ask{});
                      // These remember their own lookups, each from its own place outwards.
                      int nested = handle([] { return mask<ask>([] { return perform(ask{}); }); }, on<tell>([] {}));
                      int beside = handle([] { return perform(ask{}); }, on<tell>([] {}));
                      CHECK(first == 2);
                      CHECK(nested == 1);
                      CHECK(beside == 2);
                      return perform(ask{});
                  });
        }
        return sum;
    });

    CHECK(answer == 323232);
}

TEST_CASE("a mask skips handlers of every kind, and reaches every kind", "[core][mask]") {
    auto resume_five = control<ask>([](ask, auto k) { return std::move(k).resume(5) + 100; });
    auto give_up = aborts<ask>([] { return -1; });
    auto two = on<ask>([] { return 2; });
    auto body = [] { return mask<ask>([] { return perform(ask{}); }) + 1; };

    CHECK(handle([&] { return handle(body, resume_five); }, two) == 3);
    CHECK(handle([&] { return handle(body, give_up); }, two) == 3);
    CHECK(handle([&] { return handle(body, two); }, resume_five) == 106);
    CHECK(handle([&] { return handle(body, two); }, give_up) == -1);
}

TEST_CASE("a mask is captured with its body, and skips what it finds where that is resumed", "[core][mask]") {
    struct paused {
        effects::resumption<hold, paused> rest;
        int value = 0;
    };
    auto at = handle(
        [] {
            return handle(
                [] {
                    return paused{{}, mask<ask>([] {
                                      int before = perform(ask{});
                                      perform(hold{});
                                      return before * 10 + perform(ask{});
                                  })};
                },
                control<hold>([](hold, auto k) {
                    return paused{std::move(k), 0};
                }));
        },
        on<ask>([] { return 2; }), on<ask>([] { return 1; }));

    auto rest =
        handle([&] { return std::move(at.rest).resume(0); }, on<ask>([] { return 4; }), on<ask>([] { return 3; }));
    CHECK(rest.value == 13);
}

TEST_CASE("a masked operation whose only handler is skipped has none", "[core][mask]") {
    unsigned line = 0;
    handle(
        [&] {
            mask<ask>([&] {
                try {
                    line = __LINE__ + 1;
                    perform(ask{});
                    FAIL("nobody answers");
                } catch (effects::unhandled_operation const& e) {
                    CHECK(e.where().line() == line);
                    CHECK_THAT(e.what(), Catch::Contains("mask core_test::ask, made at"));
                    CHECK_THAT(e.what(), Catch::Contains("on core_test::ask, made at"));
                }
            });
            CHECK(perform(ask{}) == 1);
        },
        on<ask>([] { return 1; }));
}

TEST_CASE("a masked operation falls back on its default answer", "[core][mask]") {
    struct with_default {
        using result_type = int;
        static int default_answer(with_default const&) { return 7; }
    };
    auto answer = handle(
        [] {
            int inside = mask<with_default>([] { return perform(with_default{}) + perform(with_default{}); });
            int nested = mask<with_default>([] { return mask<with_default>([] { return perform(with_default{}); }); });
            return inside * 100 + nested * 10 + perform(with_default{});
        },
        on<with_default>([] { return 1; }));

    CHECK(answer == 1471);
}

TEST_CASE("a mask ends with its body, and gives and throws what that does", "[core][mask]") {
    int cell = 1;
    handle(
        [&] {
            mask<ask>([&]() -> int& { return cell; }) = 2;
            CHECK_THROWS_WITH(mask<ask>([] { throw std::runtime_error("no"); }), "no");
            CHECK(perform(ask{}) == 1);
            mask<tell>([] {});
        },
        on<ask>([] { return 1; }));
    CHECK(cell == 2);
}
