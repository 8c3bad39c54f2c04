// SPDX-License-Identifier: BSL-1.0
#include <effects/generator.hpp>

#include <algorithm>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <effects/multishot.hpp>

#include "operations.hpp"

using namespace core_test;
using effects::generator;
using effects::handle;
using effects::perform;

namespace {

generator<int> count_from(int first) {
    return generator<int>([first](auto yield) {
        for (int i = first;; ++i) yield(i);
    });
}

template <class Range>
auto collected(Range&& range) {
    std::vector<std::ranges::range_value_t<Range>> all;
    for (auto&& x : range) all.push_back(std::forward<decltype(x)>(x));
    return all;
}

struct tree {
    std::unique_ptr<tree> left;
    int value;
    std::unique_ptr<tree> right;
};
std::unique_ptr<tree> tree_of(int first, int last) {
    if (first > last) return nullptr;
    int middle = (first + last) / 2;
    return std::make_unique<tree>(tree{tree_of(first, middle - 1), middle, tree_of(middle + 1, last)});
}
template <class Yield>
void walk(tree const* at, Yield yield) {
    if (!at) return;
    walk(at->left.get(), yield);
    yield(at->value);
    walk(at->right.get(), yield);
}

} // namespace

TEST_CASE("a generator is a range of what its body yields", "[core][generator]") {
    generator<int> three([](auto yield) {
        for (int i : {1, 2, 3}) yield(i);
    });

    CHECK(collected(three) == std::vector{1, 2, 3});
}

TEST_CASE("a generator is a C++20 input range", "[core][generator]") {
    STATIC_REQUIRE(std::ranges::input_range<generator<int>>);
    STATIC_REQUIRE(std::ranges::input_range<generator<std::string&>>);
    STATIC_REQUIRE(std::ranges::input_range<generator<std::string const&>>);
    STATIC_REQUIRE(std::ranges::input_range<generator<std::unique_ptr<int>>>);
    STATIC_REQUIRE_FALSE(std::ranges::forward_range<generator<int>>);
    STATIC_REQUIRE(std::is_same_v<std::ranges::range_value_t<generator<std::string const&>>, std::string>);
    STATIC_REQUIRE(std::is_same_v<std::ranges::range_reference_t<generator<int>>, int&&>);
    STATIC_REQUIRE(std::is_same_v<std::ranges::range_reference_t<generator<int&>>, int&>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<generator<int>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<generator<int>>);
}

TEST_CASE("a generator may be empty", "[core][generator]") {
    generator<int> none([](auto) {});

    CHECK(collected(none).empty());
}

TEST_CASE("an endless generator is as long as its consumer wants", "[core][generator]") {
    CHECK(collected(count_from(5) | std::views::take(3)) == std::vector{5, 6, 7});

    auto numbers = count_from(1);
    auto even_squares = numbers | std::views::filter([](int i) { return i % 2 == 0; }) |
                        std::views::transform([](int i) { return i * i; }) | std::views::take(4);
    CHECK(collected(even_squares) == std::vector{4, 16, 36, 64});
}

TEST_CASE("a generator's body is lazy: it runs when the next value is asked for", "[core][generator]") {
    trace log;
    generator<int> g([&](auto yield) {
        log.push_back("start");
        yield(1);
        log.push_back("between");
        yield(2);
        log.push_back("end");
    });
    CHECK(log.empty());

    auto i = g.begin();
    CHECK(log == trace{"start"});
    ++i;
    CHECK(log == trace{"start", "between"});
    CHECK(*i == 2);
    ++i;
    CHECK(log.back() == "end");
    CHECK(i == g.end());
}

TEST_CASE("a generator yields references without copying", "[core][generator]") {
    counted object;
    generator<counted const&> g([&](auto yield) {
        yield(object);
        yield(counted()); // lives until the consumer goes on
    });

    std::vector<counted const*> seen;
    for (counted const& c : g) {
        seen.push_back(&c);
        CHECK(c.copies + c.moves == 0);
    }
    CHECK(seen.front() == &object);

    std::vector<int> numbers{1, 2, 3};
    for (int& n : generator<int&>([&](auto yield) {
             for (int& n : numbers) yield(n);
         }))
        n *= 10;
    CHECK(numbers == std::vector{10, 20, 30});
}

TEST_CASE("a generator of values gives rvalues, and leaves what was yielded as an lvalue alone", "[core][generator]") {
    std::string kept = "a string that is too long to lie in place";
    generator<std::string> g([&](auto yield) {
        yield(kept);
        yield(std::string("temporary"));
        yield("converted");
    });

    CHECK(collected(g) == trace{kept, "temporary", "converted"});
    CHECK(kept.size() == 41);
}

TEST_CASE("move-only values move out of a generator", "[core][generator]") {
    generator<std::unique_ptr<int>> g([](auto yield) {
        for (int i = 0; i < 3; ++i) yield(std::make_unique<int>(i));
    });

    auto all = collected(g);
    REQUIRE(all.size() == 3);
    CHECK(*all[2] == 2);
}

TEST_CASE("a generator yields from the depth of a recursion", "[core][generator]") {
    auto root = tree_of(1, 100);
    generator<int> in_order([&](auto yield) { walk(root.get(), yield); });

    auto all = collected(in_order);
    CHECK(all.size() == 100);
    CHECK(std::ranges::is_sorted(all));
}

TEST_CASE("an exception leaves a generator through the iterator and ends it", "[core][generator]") {
    generator<int> g([](auto yield) {
        yield(1);
        throw std::runtime_error("no more");
    });

    std::vector<int> seen;
    CHECK_THROWS_WITH(
        [&] {
            for (int x : g) seen.push_back(x);
        }(),
        "no more");
    CHECK(seen == std::vector{1});

    generator<int> at_once([](auto) { throw std::runtime_error("at once"); });
    CHECK_THROWS_WITH(at_once.begin(), "at once");

    generator<int> later([](auto yield) {
        yield(1);
        throw std::runtime_error("later");
    });
    auto i = later.begin();
    CHECK_THROWS_WITH(++i, "later");
    CHECK(i == later.end());
}

TEST_CASE("destroying a generator in mid-sequence unwinds its body", "[core][generator]") {
    trace log;
    {
        generator<int> g([&, owned = std::make_unique<int>(7)](auto yield) {
            noted n(log, "body");
            for (;;) yield(*owned);
        });
        CHECK(collected(g | std::views::take(2)) == std::vector{7, 7});
        CHECK(log.empty());
    }
    CHECK(log == trace{"~body"});

    for (int x : generator<int>([&](auto yield) {
             noted n(log, "left");
             for (int i = 0;; ++i) yield(i);
         }))
        if (x == 3) break;
    CHECK(log.back() == "~left");
}

TEST_CASE("a generator that was never begun runs nothing", "[core][generator]") {
    bool ran = false;
    {
        generator<int> g([&](auto) { ran = true; });
    }
    CHECK_FALSE(ran);
}

TEST_CASE("a generator moves in mid-sequence", "[core][generator]") {
    auto g = count_from(1);
    auto i = g.begin();
    auto moved = std::move(g);
    ++i;
    CHECK(*i == 2);

    trace log;
    generator<int> other([&](auto yield) {
        noted n(log, "replaced");
        yield(1);
    });
    static_cast<void>(other.begin());
    other = std::move(moved);
    CHECK(log == trace{"~replaced"});
    ++i;
    CHECK(*i == 3);
}

TEST_CASE("a generator is gone through once", "[core][generator]") {
    auto g = count_from(1);
    static_cast<void>(g.begin());

    CHECK_THROWS_AS(g.begin(), std::logic_error);
    auto moved = std::move(g);
    CHECK_THROWS_AS(g.begin(), std::logic_error);
    CHECK_THROWS_AS(moved.begin(), std::logic_error);
}

TEST_CASE("a generator's body performs its effects with the consumer's handlers", "[core][generator]") {
    auto g = handle(
        [] {
            return generator<int>([](auto yield) {
                for (;;) yield(perform(ask{}));
            });
        },
        [](ask) { return -1; }); // those of the construction have gone

    std::vector<int> seen;
    auto i = handle([&] { return g.begin(); }, [](ask) { return 1; });
    seen.push_back(*i);
    for (int n : {2, 3}) {
        handle([&] { ++i; }, [n](ask) { return n; });
        seen.push_back(*i);
    }

    CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("a generator goes through another one", "[core][generator]") {
    generator<int> doubled([](auto yield) {
        for (int x : count_from(1) | std::views::take(3)) {
            yield(x);
            yield(x);
        }
    });

    CHECK(collected(doubled) == std::vector{1, 1, 2, 2, 3, 3});
}

TEST_CASE("yield belongs to its own generator, also where another one's body calls it", "[core][generator]") {
    generator<int> outer([](auto yield) {
        generator<int> inner([&](auto yield_inner) {
            yield(1); // the outer one's
            yield_inner(2);
            yield(3);
        });
        for (int x : inner) yield(x * 10);
        yield(4);
    });

    CHECK(collected(outer) == std::vector{1, 20, 3, 4});
}

TEST_CASE("two generators are gone through side by side", "[core][generator]") {
    auto a = count_from(1), b = count_from(10);
    auto i = a.begin();
    int sum = 0;
    for (int x : b | std::views::take(3)) {
        sum += x * *i;
        ++i;
    }

    CHECK(sum == 10 * 1 + 11 * 2 + 12 * 3);
}

TEST_CASE("a handler inside a generator's body stays in force from one value to the next", "[core][generator]") {
    int answered = 0;
    generator<int> g([&](auto yield) {
        handle(
            [&] {
                for (int i = 0; i < 3; ++i) yield(perform(ask{}));
            },
            [&](ask) { return ++answered; });
    });

    handle([&] { CHECK(collected(g) == std::vector{1, 2, 3}); }, [](ask) { return -1; });
}

TEST_CASE("a multishot body goes through a generator anew in each run", "[core][generator][multishot]") {
    auto all = effects::multishot::handle(
        [] {
            int sum = 0;
            for (int x : count_from(1) | std::views::take(2)) sum += perform(choose{}) ? x : 0;
            return sum;
        },
        effects::control<choose>([](choose, auto k) {
            auto first = k.resume(true);
            auto second = k.resume(false);
            first.insert(first.end(), second.begin(), second.end());
            return first;
        }),
        effects::returns([](int sum) { return std::vector{sum}; }));

    CHECK(all == std::vector{3, 1, 2, 0});
}
