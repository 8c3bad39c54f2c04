// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <stdexcept>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

namespace {

struct with_getters {
    using result_type = int;
    explicit with_getters(std::string sku) : sku_(std::move(sku)) {}
    std::string const& sku() const { return sku_; }
    char const* shelf() const { return "top"; }

private:
    std::string sku_;
};

} // namespace

// A pattern of its own kind: it matches what it sets.
namespace library {

struct find_book {
    using result_type = int;
    std::string title = {};
    std::string author = {};
};
bool matches(find_book const& pattern, find_book const& actual) {
    return (pattern.title.empty() || pattern.title == actual.title) &&
           (pattern.author.empty() || pattern.author == actual.author);
}

struct lend {
    using result_type = int;
    int days = 0;
    bool operator==(lend const&) const = default;
};
std::vector<std::string> differences(lend const& pattern, lend const& actual) {
    return {std::to_string(actual.days - pattern.days) + " days too long"};
}

} // namespace library

TEST_CASE("an operation as a pattern matches those equal to it", "[test][matching]") {
    test::mock world;
    world.on(charge_card{"a", 1}).reply(receipt{1});
    world.on(charge_card{"b", 1}).reply(receipt{2});

    CHECK(handle([] { return perform(charge_card{"b", 1}); }, world).cents == 2);
    CHECK(handle([] { return perform(charge_card{"a", 1}); }, world).cents == 1);
}

TEST_CASE("matching without conditions takes every operation of its type", "[test][matching]") {
    test::mock world;
    world.on(test::matching<find_price>()).reply(1);

    CHECK(handle([] { return perform(find_price{"x", 2}) + perform(find_price{"y", 3}); }, world) == 2);
}

TEST_CASE("a condition on a member compares it with a value", "[test][matching]") {
    test::mock world;
    world.on(test::matching<find_price>().where(&find_price::sku, "x")).reply(1);
    world.on(test::matching<find_price>().where(&find_price::amount, 7)).reply(2);

    CHECK(handle([] { return perform(find_price{"x", 2}); }, world) == 1);
    CHECK(handle([] { return perform(find_price{"y", 7}); }, world) == 2);
}

TEST_CASE("all conditions have to hold", "[test][matching]") {
    auto pattern = test::matching<find_price>().where(&find_price::sku, "x").where(&find_price::amount, 7);

    CHECK(pattern.matches({"x", 7}));
    CHECK_FALSE(pattern.matches({"x", 8}));
    CHECK_FALSE(pattern.matches({"y", 7}));
}

TEST_CASE("a condition on a member takes text patterns and predicates", "[test][matching]") {
    auto text = test::matching<find_price>().where(&find_price::sku, test::starts_with("A-"));
    auto predicate = test::matching<find_price>().where(&find_price::amount, [](int n) { return n > 3; });

    CHECK(text.matches({"A-1", 1}));
    CHECK_FALSE(text.matches({"B-1", 1}));
    CHECK(predicate.matches({"", 4}));
    CHECK_FALSE(predicate.matches({"", 3}));
}

TEST_CASE("a condition on a const member function compares what it returns", "[test][matching]") {
    auto pattern = test::matching<with_getters>().where(&with_getters::sku, "x").where(&with_getters::shelf, "top");

    CHECK(pattern.matches(with_getters("x")));
    CHECK_FALSE(pattern.matches(with_getters("y")));
    CHECK_FALSE(test::matching<with_getters>().where(&with_getters::shelf, "bottom").matches(with_getters("x")));
}

TEST_CASE("narrowing a pattern leaves the one it came from as it was", "[test][matching]") {
    auto any = test::matching<find_price>();
    auto one = any.where(&find_price::amount, 1);

    CHECK(any.matches({"x", 2}));
    CHECK_FALSE(one.matches({"x", 2}));
}

TEST_CASE("differences name what does not hold, and what is there instead", "[test][matching]") {
    auto pattern = test::matching<find_price>()
                       .where(&find_price::sku, test::starts_with("A-"))
                       .where("amount", &find_price::amount, 7)
                       .where("a small amount", [](find_price const& op) { return op.amount < 5; })
                       .where([](find_price const&) { return false; });

    CHECK(pattern.differences({"B-1", 8}) ==
          std::vector<std::string>{R"(member 1: expected a text that starts with "A-", got "B-1")",
                                   "amount: expected 7, got 8", "not: a small amount", "not: condition 4"});
    CHECK(pattern.differences({"A-1", 7}) == std::vector<std::string>{"not: a small amount", "not: condition 4"});
}

TEST_CASE("a member of an operation that can't be made without values has no number", "[test][matching]") {
    auto pattern = test::matching<with_getters>().where(&with_getters::sku, "x");

    CHECK(pattern.differences(with_getters("y")) == std::vector<std::string>{R"(a member: expected "x", got "y")"});
}

TEST_CASE("a condition that throws does not hold, and its message is shown", "[test][matching]") {
    test::mock world;
    world
        .on(test::matching<find_price>().where("third letter",
                                               [](find_price const& op) { return op.sku.at(2) == 'x'; }))
        .reply(1);

    CHECK(handle([] { return perform(find_price{"abx"}); }, world) == 1);
    std::string error =
        thrown_by<test::unexpected_operation>([&] { handle([] { return perform(find_price{"a"}); }, world); });

    CHECK_THAT(error, Catch::Contains("third letter: threw: basic_string::at"));
    CHECK(verified(world) != "");
}

TEST_CASE("a condition that throws does not hide the expectation that matches", "[test][matching]") {
    test::mock world;
    world.expect(test::matching<find_price>().where([](find_price const&) -> bool { throw std::runtime_error("no"); }))
        .reply(1)
        .times(test::at_most(1));
    world.expect(test::matching<find_price>()).reply(2);

    CHECK(handle([] { return perform(find_price{"a"}); }, world) == 2);
    CHECK(verified(world) == "");
}

TEST_CASE("a condition may look at the mock's own calls", "[test][matching]") {
    test::mock world;
    world
        .on(test::matching<find_price>().where(
            "the first call", [&](find_price const&) { return world.calls<find_price>().size() == 1; }))
        .reply(1);

    CHECK(handle([] { return perform(find_price{"a"}); }, world) == 1);
    CHECK_THROWS_AS(handle([] { return perform(find_price{"a"}); }, world), test::unexpected_operation);
    CHECK(verified(world) != "");
}

TEST_CASE("a condition that performs an operation is refused like any other that throws", "[test][matching]") {
    auto pattern = test::matching<find_price>().where([](find_price const&) {
        perform(log_line{"from a condition"});
        return true;
    });

    CHECK_FALSE(pattern.matches({"x"}));
}

TEST_CASE("matches in the operation's namespace decides what a pattern sets", "[test][matching]") {
    test::mock world;
    world.on(library::find_book{.author = "Knuth"}).reply(1);

    CHECK(handle([] { return perform(library::find_book{"Volume 1", "Knuth"}); }, world) == 1);
    CHECK_THROWS_AS(handle(
                        [] {
                            return perform(library::find_book{"Volume 1", "Dijkstra"});
                        },
                        world),
                    test::unexpected_operation);
    CHECK(verified(world) != "");
}

TEST_CASE("differences in the operation's namespace are what a failure shows", "[test][matching]") {
    test::mock world;
    world.on(library::lend{14}).reply(1);

    CHECK_THAT(thrown_by<test::unexpected_operation>([&] { handle([] { perform(library::lend{20}); }, world); }),
               Catch::Contains("\n      6 days too long\n"));
    CHECK(verified(world) != "");
}

TEST_CASE("an operation can be a pattern by itself if it compares or has matches", "[test][matching]") {
    STATIC_REQUIRE(test::pattern_operation<charge_card>);
    STATIC_REQUIRE(test::pattern_operation<library::find_book>);
    STATIC_REQUIRE_FALSE(test::pattern_operation<find_price>);
    STATIC_REQUIRE_FALSE(test::pattern_operation<send_parcel>);
    STATIC_REQUIRE(effects::handler<test::mock&>);
}
