// SPDX-License-Identifier: BSL-1.0
#include "operations.hpp"

#include <cstdint>
#include <memory>

#include <catch2/catch.hpp>

using namespace core_test;
using effects::handle;
using effects::on;
using effects::perform;

namespace {

struct parcel : counted {
    using result_type = counted; // as the clause got it
};
struct sealed { // move-only
    using result_type = int;
    std::unique_ptr<int> value;
};
struct make_unique_int {
    using result_type = std::unique_ptr<int>;
};
struct pinned_value {
    explicit pinned_value(int v) : value(v) {}
    pinned_value(pinned_value const&) = delete;
    pinned_value& operator=(pinned_value const&) = delete;
    int value;
};
struct make_pinned {
    using result_type = pinned_value;
    int value;
};
struct no_default {
    explicit no_default(int v) : value(v) {}
    int value;
};
struct make_no_default {
    using result_type = no_default;
};
struct locate {
    using result_type = int&;
};
struct locate_const {
    using result_type = std::string const&;
};
struct steal {
    using result_type = std::unique_ptr<int>&&;
};
struct alignas(64) wide {
    using result_type = wide;
    int value = 0;
};
template <class T>
struct get {
    using result_type = T;
};

bool aligned(void const* p, std::size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; }

} // namespace

TEST_CASE("perform gives what the clause returns", "[core][perform]") {
    CHECK(handle([] { return perform(ask{}) + 1; }, [](ask const&) { return 41; }) == 42);
}

TEST_CASE("a clause sees the operation's fields", "[core][perform]") {
    trace said;

    handle([] { perform(tell{"hello"}); }, [&](tell const& t) { said.push_back(t.text); });

    CHECK(said == trace{"hello"});
}

TEST_CASE("a clause that takes its operation by reference gets the performer's own object", "[core][perform]") {
    parcel mine;
    parcel const* seen = nullptr;

    handle(
        [&] {
            perform(mine);
            CHECK(seen == &mine);
            perform(std::as_const(mine));
            CHECK(seen == &mine);
            perform(std::move(mine));
            CHECK(seen == &mine);
        },
        [&](parcel const& p) {
            seen = &p;
            return counted();
        });
}

TEST_CASE("an operation performed as an lvalue is copied once for a clause that takes it by value", "[core][perform]") {
    parcel mine;

    counted got = handle([&] { return perform(mine); }, [](parcel p) { return counted(p); });

    CHECK(got.copies == 2); // the second is the clause's own
    CHECK(mine.copies == 0);
    CHECK(mine.moves == 0);
}

TEST_CASE("an operation performed as an rvalue is moved once for a clause that takes it by value", "[core][perform]") {
    counted got = handle([] { return perform(parcel{}); }, [](parcel p) { return counted(std::move(p)); });

    CHECK(got.copies == 0);
    CHECK(got.moves == 2); // the second is the clause's own
}

TEST_CASE("a const rvalue is never moved from", "[core][perform]") {
    struct keep {
        using result_type = std::size_t;
        std::string text;
    };
    keep const mine{"a text that is too long for the small string buffer"};

    std::size_t size = handle([&] { return perform(std::move(mine)); }, [](keep k) { return k.text.size(); });

    CHECK(size == mine.text.size());
}

TEST_CASE("a clause that could take an operation by rvalue does not move from an lvalue", "[core][perform]") {
    struct keep {
        using result_type = void;
        std::string text;
    };
    keep mine{"a text that is too long for the small string buffer"};
    std::string taken;

    handle([&] { perform(mine); }, on<keep>([&](auto&& k) { taken = std::forward<decltype(k)>(k).text; }));
    CHECK(mine.text == taken);

    handle([&] { perform(std::move(mine)); }, on<keep>([&](auto&& k) { taken = std::forward<decltype(k)>(k).text; }));
    CHECK(mine.text.empty());
}

TEST_CASE("a move-only operation reaches a clause that takes it by value", "[core][perform]") {
    int got = handle([] { return perform(sealed{std::make_unique<int>(5)}); }, [](sealed s) { return *s.value; });

    CHECK(got == 5);
}

TEST_CASE("a move-only operation performed as an lvalue stays whole where the clause wants to own it",
          "[core][perform]") {
    sealed mine{std::make_unique<int>(5)};

    CHECK_THROWS_AS(handle([&] { return perform(mine); }, [](sealed s) { return *s.value; }), std::logic_error);

    REQUIRE(mine.value);
    CHECK(*mine.value == 5);
}

TEST_CASE("an answer may be move-only", "[core][perform]") {
    auto p =
        handle([] { return perform(make_unique_int{}); }, [](make_unique_int) { return std::make_unique<int>(3); });

    REQUIRE(p);
    CHECK(*p == 3);
}

TEST_CASE("an answer in place need not be movable", "[core][perform]") {
    int value = handle(
        [] {
            pinned_value const& p = perform(make_pinned{8});
            return p.value;
        },
        [](make_pinned const& m) { return pinned_value(m.value); });

    CHECK(value == 8);
}

TEST_CASE("an answer need not have a default constructor", "[core][perform]") {
    auto body = [] { return perform(make_no_default{}).value; };

    CHECK(handle(body, [](make_no_default) { return no_default(4); }) == 4);
    CHECK(handle(body, effects::control<make_no_default>(
                           [](make_no_default, auto k) { return std::move(k).resume(no_default(6)); })) == 6);
}

TEST_CASE("an answer by reference is the very object", "[core][perform]") {
    int there = 1;
    std::string const text = "text";

    handle(
        [&] {
            perform(locate{}) = 7;
            CHECK(&perform(locate{}) == &there);
            CHECK(&perform(locate_const{}) == &text);
        },
        on<locate>([&]() -> int& { return there; }), on<locate_const>([&]() -> std::string const& { return text; }));
    CHECK(there == 7);

    handle([&] { perform(locate{}) = 9; },
           effects::control<locate>([&](locate, auto k) { std::move(k).resume(there); }));
    CHECK(there == 9);
}

TEST_CASE("an answer by rvalue reference can be moved from", "[core][perform]") {
    auto mine = std::make_unique<int>(2);
    auto body = [] {
        std::unique_ptr<int> taken = perform(steal{});
        return *taken;
    };

    CHECK(handle(body, on<steal>([&]() -> std::unique_ptr<int>&& { return std::move(mine); })) == 2);
    CHECK_FALSE(mine);

    mine = std::make_unique<int>(3);
    CHECK(handle(body, effects::control<steal>([&](steal, auto k) { return std::move(k).resume(std::move(mine)); })) ==
          3);
    CHECK_FALSE(mine);
}

TEST_CASE("over-aligned operations and answers stay aligned, also across a suspension", "[core][perform]") {
    auto body = [] {
        alignas(128) char local = 0;
        CHECK(aligned(&local, 128));
        wide asked{.value = 1};
        wide got = perform(asked);
        CHECK(aligned(&got, 64));
        return got.value;
    };

    CHECK(handle(body, [](wide const& w) {
              CHECK(aligned(&w, 64));
              return wide{.value = w.value + 1};
          }) == 2);
    CHECK(handle(body, effects::control<wide>([](wide w, auto k) {
                     CHECK(aligned(&w, 64));
                     return std::move(k).resume(wide{.value = w.value + 2});
                 })) == 3);
}

TEST_CASE("instances of one operation template are different operations", "[core][perform]") {
    auto text = handle([] { return std::to_string(perform(get<int>{})) + perform(get<std::string>{}); },
                       on<get<std::string>>([] { return "b"; }), on<get<int>>([] { return 1; }));

    CHECK(text == "1b");
}

TEST_CASE("operations of one name in two scopes are different operations", "[core][perform]") {
    auto first = [] {
        struct local {
            using result_type = int;
        };
        return handle([] { return perform(local{}); }, [](local) { return 1; });
    };
    auto second = [] {
        struct local {
            using result_type = int;
            result_type answer = 2;
        };
        return local{};
    };

    CHECK(first() == 1);
    using other = decltype(second());
    CHECK_THROWS_AS(handle([&] { return perform(second()); }, [](ask) { return 1; }), effects::unhandled_operation);
    CHECK(handle([&] { return perform(second()); }, [](other o) { return o.answer; }) == 2);
}

TEST_CASE("an answer converts to the operation's result type", "[core][perform]") {
    auto text =
        handle([] { return perform(get<std::string>{}); }, on<get<std::string>>([] { return "from a literal"; }));

    CHECK(text == "from a literal");
}

TEST_CASE("what a clause of a void operation returns is ignored", "[core][perform]") {
    int called = 0;

    handle([] { perform(tell{"x"}); }, on<tell>([&] { return ++called; }));

    CHECK(called == 1);
}

namespace {
int before_main = handle([] { return perform(ask{}) + perform(get<long>{}) > 0 ? 3 : 0; }, [](ask) { return 1; },
                         effects::control<get<long>>([](get<long>, auto k) { return std::move(k).resume(2L); }));
}

TEST_CASE("handlers work before main, in the initialisers of statics", "[core][perform]") { CHECK(before_main == 3); }
