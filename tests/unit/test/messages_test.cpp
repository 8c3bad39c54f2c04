// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/multishot.hpp>
#include <effects/os.hpp>

#include "shop.hpp"

namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace shop;

// What the messages say, word for word: people read them every day.

namespace {

template <class Op>
std::string refused(test::mock& world, Op op, std::source_location where = std::source_location::current()) {
    std::string error =
        thrown_by<test::unexpected_operation>([&] { handle([&] { perform(std::move(op), where); }, world); });
    verified(world);
    return error;
}

std::string performed(std::source_location where) {
    return "performed at " + place(where) + " in `" + where.function_name() + "`\n";
}

// What is unexpected in `body`, and was performed here.
template <class Body, class... Hs>
void check_place(Body body, unsigned line, test::mock& world, Hs&&... around) {
    std::string error =
        thrown_by<test::unexpected_operation>([&] { handle(body, std::forward<Hs>(around)..., world); });
    CHECK_THAT(error, Catch::Contains("messages_test.cpp:" + std::to_string(line) + " in `"));
    CHECK_THAT(verified(world), Catch::Contains("messages_test.cpp:" + std::to_string(line) + " in `"));
}

} // namespace

TEST_CASE("an unexpected operation shows the expectation, what differs, and the calls before", "[test][messages]") {
    test::mock world;
    auto here = std::source_location::current();
    world.expect(charge_card{"tok_1", 500}, here).reply(receipt{});
    world.on(log_line{"begin"});
    handle([] { perform(log_line{"begin"}); }, world);

    CHECK(refused(world, charge_card{"tok_1", 900}, here) ==
          "unexpected operation shop::charge_card\n"
          "    shop::charge_card{\"tok_1\", 900}\n" +
              performed(here) + "the only expectation of its type (once), made at " + place(here) +
              "\n"
              "    shop::charge_card{\"tok_1\", 500}\n"
              "      member 2: expected 500, got 900\n"
              "calls before it:\n"
              "    1. shop::log_line{\"begin\"}");
}

TEST_CASE("the expectation with the fewest differences is the nearest", "[test][messages]") {
    test::mock world;
    world.on(charge_card{"x", 1}).reply(receipt{});
    auto here = std::source_location::current();
    world.on(charge_card{"y", 2}, here).reply(receipt{});
    world.on(charge_card{"z", 3}).reply(receipt{});

    std::string error = refused(world, charge_card{"y", 4});

    CHECK_THAT(error,
               Catch::Contains("the nearest of 3 expectations of its type (any number of times), made at " +
                               place(here) + "\n    shop::charge_card{\"y\", 2}\n      member 2: expected 2, got 4\n"));
    CHECK_THAT(error, Catch::EndsWith("calls before it: none"));
}

TEST_CASE("all that differs is shown", "[test][messages]") {
    test::mock world;
    world.on(charge_card{"a", 1}).reply(receipt{});

    CHECK_THAT(refused(world, charge_card{"b", 2}),
               Catch::Contains("      member 1: expected \"a\", got \"b\"\n      member 2: expected 1, got 2\n"));
}

TEST_CASE("an expectation that has been met is shown with its calls", "[test][messages]") {
    test::mock world;
    world.on(log_line{"x"});
    world.expect(charge_card{"a", 1}).reply(receipt{}).times(2);
    handle(
        [] {
            perform(charge_card{"a", 1});
            perform(log_line{"x"});
            perform(charge_card{"a", 1});
        },
        world);

    CHECK_THAT(refused(world, charge_card{"a", 1}),
               Catch::Contains("(2 times)") &&
                   Catch::Contains("      matches, but has come 2 times already: calls 1, 3\n"));
}

TEST_CASE("an expectation met once is shown with its call", "[test][messages]") {
    test::mock world;
    world.expect(log_line{"x"});
    handle([] { perform(log_line{"x"}); }, world);

    CHECK_THAT(refused(world, log_line{"x"}), Catch::Contains("      matches, but has come once already: call 1\n"));
}

TEST_CASE("a call that never was to come is told so", "[test][messages]") {
    test::mock world;
    world.expect(log_line{"x"}).times(0);

    CHECK_THAT(refused(world, log_line{"x"}),
               Catch::Contains("(never)") && Catch::Contains("matches, but is never to come"));
}

TEST_CASE("of two expectations that match the one that is still open is nearer", "[test][messages]") {
    test::mock world;
    world.expect(charge_card{"a", 1}).reply(receipt{});
    world.expect(charge_card{"a", 2}).reply(receipt{});
    world.expect(charge_card{"a", 3}).reply(receipt{});
    handle([] { perform(charge_card{"a", 2}); }, world);

    CHECK_THAT(refused(world, charge_card{"a", 4}), Catch::Contains("member 2: expected 1, got 4"));
    CHECK_THAT(refused(world, charge_card{"a", 2}), Catch::Contains("matches, but has come once already"));
}

TEST_CASE("conditions that do not hold are shown", "[test][messages]") {
    test::mock world;
    world
        .on(test::matching<find_price>()
                .where("sku", &find_price::sku, test::starts_with("A-"))
                .where("few", [](find_price const& op) { return op.amount < 3; }))
        .reply(1);

    CHECK_THAT(
        refused(world, find_price{"B-1", 2}),
        Catch::Contains("    matching<shop::find_price>\n    sku: expected a text that starts with \"A-\"\n    few\n"
                        "      sku: expected a text that starts with \"A-\", got \"B-1\"\ncalls"));
}

TEST_CASE("an operation that shows nothing of itself is named", "[test][messages]") {
    test::mock world;
    world.on(sealed(1)).reply(1);

    CHECK_THAT(refused(world, sealed(2)), Catch::StartsWith("unexpected operation shop::sealed\n    shop::sealed\n") &&
                                              Catch::Contains("      differs in nothing that is printed\n"));
}

TEST_CASE("an operation that moves only is shown by its members", "[test][messages]") {
    test::mock world;
    world.on(test::matching<send_parcel>().where("light", [](send_parcel const& op) { return *op.weight < 5; }))
        .reply(1);

    CHECK_THAT(refused(world, send_parcel{std::make_unique<int>(7)}), Catch::Contains("not: light"));
}

TEST_CASE("of many calls the last twenty are shown", "[test][messages]") {
    test::mock world;
    world.on(test::matching<log_line>().where(&log_line::text, "x"));
    handle(
        [] {
            for (int i = 0; i < 25; ++i) perform(log_line{"x"});
        },
        world);

    std::string error = refused(world, log_line{"y"});

    CHECK_THAT(error, Catch::Contains("calls before it:\n    (5 more)\n    6. ") &&
                          Catch::EndsWith("\n    25. shop::log_line{\"x\"}"));
}

TEST_CASE("texts of several lines are indented as a block", "[test][messages]") {
    CHECK(test::detail::indented("a\nb\n") == "    a\n    b");
}

TEST_CASE("differences of printed texts are shown line by line", "[test][messages]") {
    using lines = std::vector<std::string>;
    CHECK(test::detail::text_differences("a\nb\nc", "a\nx\nc") == lines{"line 2: expected b, got x"});
    CHECK(test::detail::text_differences("a", "b") == lines{"expected a, got b"});
    CHECK(test::detail::text_differences("a\nb", "a\nb\nc") == lines{"expected a\nb, got a\nb\nc"});
    CHECK(test::detail::text_differences("a", "a") == lines{});
}

TEST_CASE("an empty text that was got is shown as nothing", "[test][messages]") {
    using lines = std::vector<std::string>;
    CHECK(test::detail::text_differences("a", "") == lines{"expected a, got nothing"});
    CHECK(test::detail::text_differences("", "b") == lines{"expected nothing, got b"});
}

TEST_CASE("a header that is not as expected is shown as the request had it", "[test][messages][http]") {
    namespace http = effects::http;
    test::mock world;
    world.on(test::matching<http::request>().header("X-Trace", "k1")).reply(http::ok());
    auto get = [] { return http::get("http://a/"); };

    CHECK_THAT(refused(world, get()), Catch::Contains("      header X-Trace: expected \"k1\", got no such header\n"));
    CHECK_THAT(refused(world, get().header("X-Trace", "k2").add_header("X-Trace", "k3")),
               Catch::Contains("      header X-Trace: expected \"k1\", got \"k2\", \"k3\"\n"));

    test::mock secret;
    secret.on(test::matching<http::request>().header("Authorization", "s1")).reply(http::ok());
    CHECK_THAT(refused(secret, get().header("Authorization", "s2")),
               Catch::Contains("header Authorization: expected another value, got one that is not shown") &&
                   !Catch::Contains("s2"));
}

TEST_CASE("a parameter that is not as expected is shown as the query had it", "[test][messages][sql]") {
    namespace sql = effects::sql;
    test::mock world;
    world.on(test::matching<sql::query>().parameter(1, 5)).reply(sql::affected(1));

    CHECK_THAT(refused(world, sql::query("delete from t where a = $1", 6)),
               Catch::Contains("      $1: expected 5, got 6\n"));
    CHECK_THAT(refused(world, sql::query("delete from t")),
               Catch::Contains("      $1: expected 5, got no parameter\n"));
}

// ---- where it was performed ----

TEST_CASE("an unexpected operation says where it was performed, each time anew", "[test][messages][place]") {
    test::mock world;
    world.on(log_line{"x"});
    unsigned lines[2] = {};
    auto swallow = [](auto f) {
        try {
            f();
        } catch (test::unexpected_operation const&) {
        }
    };
    handle(
        [&] {
            perform(log_line{"x"}); // found before: what is found is not remembered with its place
            lines[0] = __LINE__ + 1;
            swallow([] { perform(log_line{"a"}); });
            perform(log_line{"x"});
            lines[1] = __LINE__ + 1;
            swallow([] { perform(log_line{"b"}); });
        },
        world);

    std::string text = verified(world);

    for (unsigned line : lines)
        CHECK_THAT(text, Catch::Contains("messages_test.cpp:" + std::to_string(line) + " in `"));
}

TEST_CASE("an operation without a reply says where it was performed", "[test][messages][place]") {
    test::mock world;
    world.on(charge_card{"a", 1});
    unsigned const line = __LINE__ + 1;
    check_place([] { perform(charge_card{"a", 1}); }, line, world);
}

TEST_CASE("a call out of order says where it was performed", "[test][messages][place]") {
    test::mock world;
    test::in_order(world.expect(log_line{"a"}), world.expect(log_line{"b"}));
    unsigned const line = __LINE__ + 1;
    check_place([] { perform(log_line{"b"}); }, line, world);
}

TEST_CASE("an unexpected operation of a capability says where it was performed", "[test][messages][place]") {
    test::mock world;
    world.on(log_line{"x"});
    unsigned const line = __LINE__ + 1;
    check_place([](effects::can<log_line> fx) { fx.perform(log_line{"a"}); }, line, world);
}

TEST_CASE("an unexpected operation says where it was performed through handlers between", "[test][messages][place]") {
    test::mock world;
    world.on(log_line{"x"});
    auto passes_on =
        effects::on<log_line>([](log_line op, std::source_location where) { perform(std::move(op), where); });
    unsigned line = __LINE__ + 1;
    auto body = [] { perform(log_line{"a"}); };
    check_place(body, line, world, passes_on);
    check_place(body, line, world, passes_on, passes_on, [](find_price const&) { return 1; });
    check_place([&] { effects::mask<find_price>(body); }, line, world);
    check_place([&] { effects::mask<log_line>(body); }, line, world, [](log_line const&) {});
    check_place([&] { handle(body, effects::control<find_price>([](find_price, auto) {})); }, line, world);

    line = __LINE__ + 1; // one that does not pass it on performs by itself
    auto itself = [](log_line op) { perform(std::move(op)); };
    check_place(body, line, world, itself);
}

TEST_CASE("an unexpected operation says where it was performed in a multishot body", "[test][messages][place]") {
    test::mock world;
    world.on(log_line{"x"});
    unsigned const line = __LINE__ + 4;
    auto body = [] {
        perform(log_line{"x"});
        perform(find_price{"x"});
        perform(log_line{"a"});
    };
    check_place(
        [&] {
            effects::multishot::handle(body, effects::control<find_price>([](find_price, auto k) {
                                           k.resume(1);
                                           k.resume(2);
                                       }));
        },
        line, world);
}

TEST_CASE("an unexpected operation of a tag says where it was performed", "[test][messages][place]") {
    struct audit;
    test::mock world;
    world.on(effects::at<audit>(log_line{"x"}));
    unsigned line = __LINE__ + 1;
    check_place([] { perform(effects::at<audit>(log_line{"a"})); }, line, world);

    line = __LINE__ + 1; // a handler at the tag performs it, after another
    auto twice = effects::on<log_line>([](log_line const& op) { perform(log_line{"x"}), perform(op); });
    check_place([] { perform(effects::at<audit>(log_line{"a"})); }, line, world, effects::at<audit>(twice));
}

TEST_CASE("what ambient functions perform is said to be performed where they are called", "[test][messages][place]") {
    namespace os = effects::os;
    test::mock world;
    world.on(test::matching<os::operations::variable>().where(&os::operations::variable::name, "HOME")).reply("x");
    unsigned line = __LINE__ + 1;
    check_place([] { os::variable("PATH"); }, line, world);

    test::mock lines;
    lines.on(test::matching<os::operations::log>().where(&os::operations::log::message, "x"));
    line = __LINE__ + 1;
    check_place([] { os::log.info("a"); }, line, lines);
    line = __LINE__ + 1;
    check_place([] { os::log(os::level::warn, "a"); }, line, lines);
}

TEST_CASE("a statement in a transaction is said to be performed where the logic performs it",
          "[test][messages][place][sql]") {
    namespace sql = effects::sql;
    test::mock world;
    world.on(sql::query("select 1")).reply(sql::affected(1));
    unsigned line = __LINE__ + 1;
    auto body = [] { perform(sql::query("select 2")); };
    check_place([&] { sql::transaction(body); }, line, world);
    check_place([&] { sql::transaction([&] { sql::transaction(body); }); }, line, world);

    struct audit;
    test::mock tagged;
    tagged.on(effects::at<audit>(sql::query("select 1"))).reply(sql::affected(1));
    line = __LINE__ + 1;
    auto at_tag = [] { perform(effects::at<audit>(sql::query("select 2"))); };
    check_place([&] { sql::transaction(effects::at<audit>, at_tag); }, line, tagged);
}

TEST_CASE("a transaction's begin and commit are said to be performed where it is called",
          "[test][messages][place][sql]") {
    namespace sql = effects::sql;
    test::mock begun;
    begun.expect(sql::begin{}).times(0);
    unsigned line = __LINE__ + 1;
    check_place([] { sql::transaction([] {}); }, line, begun);

    test::mock world;
    world.expect(sql::commit{}).times(0);
    line = __LINE__ + 1;
    check_place([] { sql::transaction([] {}); }, line, world);
}
