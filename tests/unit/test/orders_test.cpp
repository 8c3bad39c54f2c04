// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <string>

#include <effects/effects.hpp>
#include <effects/http.hpp>
#include <effects/sql.hpp>
#include <effects/test.hpp>
#include <nlohmann/json.hpp>

// The example that the design begins with, word for word.

using effects::perform;
namespace http = effects::http;
namespace sql = effects::sql;
namespace test = effects::test;
using namespace std::literals;

namespace {

struct cart {
    std::string sku;
    int qty;
    long cents;
};
struct order {
    std::string sku;
    int qty;
};
struct out_of_stock {
    std::string sku;
};

order place_order(cart const& cart) {
    auto stock = perform(sql::query("select qty from stock where sku = $1", cart.sku)).one<int>();
    if (stock < cart.qty) throw out_of_stock{cart.sku};
    auto charge = perform(http::post("https://pay.example/charges").json({{"cents", cart.cents}}).timeout(2s));
    charge.raise_for_status();
    perform(sql::query("insert into orders (sku, qty, charge) values ($1, $2, $3)", cart.sku, cart.qty,
                       charge.json().at("id").get<std::string>()));
    return {cart.sku, cart.qty};
}

} // namespace

TEST_CASE("an order charges the card once", "[test][orders]") {
    test::mock world;
    world.on(sql::query("select qty from stock where sku = $1", "A1")).reply(sql::table{{"qty"}, {{5}}});
    world.expect(http::post("https://pay.example/charges").json({{"cents", 900}}))
        .reply(http::created({{"id", "ch_1"}}));
    world.expect(test::matching<sql::query>().text(test::starts_with("insert into orders"))).reply(sql::affected(1));
    CHECK(test::run([] { return place_order({"A1", 2, 900}); }, world).qty == 2);
}

TEST_CASE("an order of what is not in stock charges nothing", "[test][orders]") {
    test::mock world;
    world.on(sql::query("select qty from stock where sku = $1", "A1")).reply(sql::table{{"qty"}, {{1}}});
    world.expect(test::matching<http::request>()).times(0);

    CHECK_THROWS_AS(test::run([] { return place_order({"A1", 2, 900}); }, world), out_of_stock);
    CHECK(world.log().size() == 1);
}

TEST_CASE("an order whose charge is declined is not stored", "[test][orders]") {
    test::mock world;
    world.on(sql::query("select qty from stock where sku = $1")).reply(sql::table{{"qty"}, {{5}}});
    world.expect(http::post("https://pay.example/charges")).reply(http::respond(402));

    CHECK_THROWS_AS(test::run([] { return place_order({"A1", 2, 900}); }, world), http::status_error);
    CHECK(world.calls<sql::query>().size() == 1);
}
