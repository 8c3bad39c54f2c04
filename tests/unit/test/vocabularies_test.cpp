// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <effects/http/request.hpp>
#include <effects/http/response.hpp>
#include <effects/net/datagram.hpp>
#include <effects/sql.hpp>

#include "shop.hpp"

namespace http = effects::http;
namespace net = effects::net;
namespace sql = effects::sql;
namespace test = effects::test;
using effects::handle;
using effects::perform;
using namespace std::literals;

namespace {

template <class Op>
std::string refused(test::mock& world, Op op) {
    std::string error = thrown_by<test::unexpected_operation>([&] { handle([&] { perform(std::move(op)); }, world); });
    verified(world);
    return error;
}

} // namespace

TEST_CASE("a request as a pattern matches on what it sets", "[test][http]") {
    test::mock world;
    world.on(http::get("https://bank.example/rates")).reply(http::ok_text("1.1"));

    auto response = handle(
        [] { return perform(http::get("https://bank.example/rates").timeout(2s).header("Accept", "text/plain")); },
        world);

    CHECK(response.text() == "1.1");
}

TEST_CASE("bodies of requests are compared as JSON", "[test][http]") {
    test::mock world;
    world.on(http::post("https://bank.example/x").json({{"a", 1}, {"b", 2}})).reply(http::ok());

    CHECK(handle(
              [] {
                  return perform(
                      http::post("https://bank.example/x").body(R"({ "b": 2, "a": 1 })", "application/json"));
              },
              world)
              .status == 200);
}

TEST_CASE("a refused request shows which of method, URL, header and body differ", "[test][http]") {
    test::mock world;
    world.on(http::post("https://pay.example/charges").header("X-Kind", "a").json({{"cents", 900}}))
        .reply(http::created());

    std::string error =
        refused(world, http::put("https://pay.example/charge").header("X-Kind", "b").json({{"cents", 800}}));

    CHECK_THAT(error, Catch::Contains("\n      method: expected POST, got PUT\n"));
    CHECK_THAT(error,
               Catch::Contains("\n      url: expected https://pay.example/charges, got https://pay.example/charge\n"));
    CHECK_THAT(error, Catch::Contains("\n      header X-Kind: expected \"a\", got \"b\"\n"));
    CHECK_THAT(error, Catch::Contains("\n      body: expected "));
}

TEST_CASE("no message about a request shows its credentials", "[test][http]") {
    test::mock world;
    world.on(http::get("https://bank.example/").bearer("hunter2")).reply(http::ok());
    test::mock other;
    other.on(test::matching<http::request>().header("Authorization", "Bearer hunter4")).reply(http::ok());

    CHECK_THAT(refused(world, http::get("https://bank.example/").bearer("hunter3")),
               !Catch::Contains("hunter") && Catch::Contains("header Authorization: expected ***, got another"));
    CHECK_THAT(refused(other, http::get("https://bank.example/").bearer("hunter3")),
               !Catch::Contains("hunter") &&
                   Catch::Contains("header Authorization: expected another value, got one that is not shown"));
}

TEST_CASE("requests are matched by method, URL, header and body", "[test][http]") {
    auto pattern = test::matching<http::request>()
                       .method("POST")
                       .url(test::starts_with("https://pay.example/"))
                       .header("Idempotency-Key", test::matches("[0-9a-f]+"))
                       .body(test::contains("cents"));
    auto right = http::post("https://pay.example/charges").header("idempotency-key", "0a").body("cents=9");

    CHECK(pattern.matches(right));
    CHECK_FALSE(pattern.matches(http::request(right).header("Idempotency-Key", "x")));
    CHECK_FALSE(pattern.matches(http::get("https://pay.example/charges")));
    CHECK(pattern.differences(http::get("https://pay.example/charges")) ==
          std::vector<std::string>{
              "method: expected \"POST\", got \"GET\"",
              "header Idempotency-Key: expected a text that matches \"[0-9a-f]+\", got no such header",
              "body: expected a text that contains \"cents\", got \"\""});
}

TEST_CASE("a query as a pattern matches text and parameters", "[test][sql]") {
    test::mock world;
    world.on(sql::query("select qty from stock where sku = $1", "A1")).reply(sql::table{{"qty"}, {{5}}});

    CHECK(handle([] { return perform(sql::query("select qty from stock where sku = $1", "A1")).one<int>(); }, world) ==
          5);
    CHECK_THAT(refused(world, sql::query("select qty from stock where sku = $1", "B2")),
               Catch::Contains("\n      $1: expected 'A1', got 'B2'\n"));
}

TEST_CASE("a query without parameters as a pattern matches those with any", "[test][sql]") {
    test::mock world;
    world.on(sql::query("select $1")).reply(sql::table{{"a"}, {{1}}});

    CHECK(handle([] { return perform(sql::query("select $1", 5)).one<int>(); }, world) == 1);
}

TEST_CASE("a refused query shows the text, or the parameters, that differ", "[test][sql]") {
    test::mock world;
    world.on(sql::query("insert into t values ($1, $2)", 1, "x")).reply(sql::affected(1));

    CHECK_THAT(refused(world, sql::query("insert into t values ($1, $2)", 1)),
               Catch::Contains("\n      $2: expected 'x', got no parameter\n"));
    CHECK_THAT(refused(world, sql::query("insert into t values ($1, $2)", 1, "x", 3)),
               Catch::Contains("\n      $3: expected no parameter, got 3\n"));
    CHECK_THAT(refused(world, sql::query("delete from t", 1, "x")),
               Catch::Contains("\n      text: expected \"insert into t values ($1, $2)\", got \"delete from t\"\n"));
}

TEST_CASE("queries are matched by text and single parameters", "[test][sql]") {
    auto pattern = test::matching<sql::query>().text(test::starts_with("insert into orders")).parameter(2, 7);

    CHECK(pattern.matches(sql::query("insert into orders values ($1, $2)", "A1", 7)));
    CHECK_FALSE(pattern.matches(sql::query("insert into orders values ($1, $2)", "A1", 8)));
    CHECK_FALSE(pattern.matches(sql::query("insert into orders values ($1)", "A1")));
    CHECK(pattern.differences(sql::query("delete", 1)) ==
          std::vector<std::string>{"text: expected a text that starts with \"insert into orders\", got \"delete\"",
                                   "$2: expected 7, got no parameter"});
    CHECK(test::matching<sql::script>().text(test::contains("create")).matches(sql::script("create table t (a int)")));
}

TEST_CASE("queries inside a transaction match as those outside do", "[test][sql]") {
    test::mock world;
    world.expect(sql::query("delete from t")).reply(sql::affected(3));

    CHECK(handle([] { return sql::transaction([] { return perform(sql::query("delete from t")).rows_affected(); }); },
                 world) == 3);
    CHECK(verified(world) == "");
}

TEST_CASE("a mock answers at a tag what is said of it there", "[test][mock][sql]") {
    struct audit;
    test::mock world;
    world.on(sql::query("select 1")).reply(sql::affected(1));
    world.expect(effects::at<audit>(sql::query("select 1"))).reply(sql::affected(2)); // any parameters
    auto body = [] {
        return sql::transaction(effects::at<audit>, [] {
            auto there = perform(effects::at<audit>(sql::query("select 1", 5))).rows_affected();
            return there * 10 + perform(sql::query("select 1")).rows_affected();
        });
    };
    CHECK(test::run(body, world) == 21);
}

TEST_CASE("a body under a mock may ask for any capability", "[test][mock]") {
    test::mock world;
    world.on(sql::query("select 1")).reply(sql::affected(1));
    CHECK(test::run([](effects::can<sql::query> fx) { return fx.perform(sql::query("select 1")).rows_affected(); },
                    world) == 1);
    CHECK(test::run([](auto fx) { return fx.perform(sql::query("select 1")).rows_affected(); }, world) == 1);
}

TEST_CASE("datagram sockets are mocked by what is asked for", "[test][net]") {
    test::mock world;
    world.on(net::bind_datagram({"0.0.0.0", 9}, {.broadcast = true})).reply([] { return net::datagram_socket(); });
    world.on(net::connect_datagram({"dns", 53})).fail(net::error(net::errc::host_not_found, "no such host"));

    handle(
        [] {
            CHECK_FALSE(perform(net::bind_datagram({"0.0.0.0", 9}, {.broadcast = true})));
            CHECK_THROWS_AS(perform(net::connect_datagram({"dns", 53})), net::error);
        },
        world);

    CHECK_THAT(refused(world, net::bind_datagram({"0.0.0.0", 9})), Catch::Contains("net::bind_datagram at 0.0.0.0:9"));
}
