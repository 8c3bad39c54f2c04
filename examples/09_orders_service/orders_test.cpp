// SPDX-License-Identifier: BSL-1.0
// The shop's logic under mocks and simulated time: no socket, no file, no sleep.
#include <catch2/catch.hpp>

#include <chrono>

#include <effects/async.hpp>
#include <effects/http.hpp>
#include <effects/sqlite.hpp>
#include <effects/test.hpp>
#include <effects/test/catch2.hpp>
#include <nlohmann/json.hpp>

#include "orders.hpp"
#include "provider.hpp"
#include "repository.hpp"
#include "service.hpp"

using effects::perform;
using namespace std::chrono_literals;
namespace async = effects::async;
namespace http = effects::http;
namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
namespace test = effects::test;

namespace {

shop::cart const two_lamps{"o1", "lamp", 2};

http::request charge_of_900() {
    return http::post("/charges").json({{"order", "o1"}, {"cents", 900}}).header("Idempotency-Key", "charge-o1");
}
http::request refund() { return http::post("/refunds").json({{"order", "o1"}}).header("Idempotency-Key", "refund-o1"); }
auto statement(std::string beginning) {
    return test::matching<sql::query>().text(test::starts_with(std::move(beginning)));
}

// A shop with five lamps and no orders.
void stock_up(test::mock& world) {
    world.on(statement("select qty, cents from stock")).reply(sql::table{{"qty", "cents"}, {{5, 450}}});
    world.on(statement("select id, sku")).reply(sql::no_rows());
}

// The real SQL, in memory.
sqlite::database shop_database() {
    return sqlite::database{sqlite::in_memory,
                            {.schema = std::string(shop::schema) + "insert into stock values ('lamp', 5, 450);"}};
}
int lamps_left() { return perform(sql::query("select qty from stock where sku = 'lamp'")).one<int>(); }

} // namespace

TEST_CASE("an order charges its price once and is stored", "[orders]") {
    test::mock world;
    stock_up(world);
    world.expect(charge_of_900()).reply(http::created({{"id", "ch_1"}}));
    world.expect(statement("insert into orders")).reply(sql::affected(1));
    world.expect(statement("update stock")).reply(sql::affected(1));

    auto placed = test::run([] { return shop::place_order(two_lamps); }, world);

    CHECK(placed == shop::order{"o1", "lamp", 2, 900, "ch_1"});
}

TEST_CASE("an order that is there already is given as it is, and not charged again", "[orders]") {
    test::mock world;
    world.on(statement("select qty, cents from stock")).reply(sql::table{{"qty", "cents"}, {{0, 450}}});
    world.on(statement("select id, sku"))
        .reply(sql::table{{"id", "sku", "qty", "cents", "charge"}, {{"o1", "lamp", 2, 900, "ch_1"}}});

    CHECK(test::run([] { return shop::place_order(two_lamps); }, world).charge == "ch_1");
}

TEST_CASE("an article that is sold out is refused before anything is charged", "[orders]") {
    test::mock world;
    world.on(statement("select qty, cents from stock")).reply(sql::table{{"qty", "cents"}, {{1, 450}}});
    world.on(statement("select id, sku")).reply(sql::no_rows());

    CHECK_THROWS_AS(test::run([] { return shop::place_order(two_lamps); }, world), shop::out_of_stock);
}

TEST_CASE("a busy payment provider is asked again with the same key, later and later", "[orders][retry]") {
    test::mock world;
    stock_up(world);
    world.expect(charge_of_900())
        .reply(http::unavailable(), http::unavailable(), http::respond(429), http::created({{"id", "ch_1"}}));
    world.on(statement("insert into orders")).reply(sql::affected(1));
    world.on(statement("update stock")).reply(sql::affected(1));

    auto took = test::run(
        [] {
            auto begun = async::now();
            shop::place_order(two_lamps);
            return async::now() - begun;
        },
        world);

    CHECK(took > 0ms);
    CHECK(took <= 20ms + 40ms + 80ms);
}

TEST_CASE("a charge that gets no answer in time is tried again", "[orders][retry]") {
    test::mock world;
    stock_up(world);
    world.expect(charge_of_900()).fail(async::timed_out("charging", 2s, 2s));
    world.expect(charge_of_900()).reply(http::created({{"id", "ch_1"}}));
    world.on(statement("insert into orders")).reply(sql::affected(1));
    world.on(statement("update stock")).reply(sql::affected(1));

    CHECK(test::run([] { return shop::place_order(two_lamps); }, world).charge == "ch_1");
}

TEST_CASE("a declined payment is final: nothing is stored, nothing refunded", "[orders]") {
    test::mock world;
    stock_up(world);
    world.expect(charge_of_900()).reply(http::problem(402, "no funds"));

    CHECK_THROWS_WITH(test::run([] { return shop::place_order(two_lamps); }, world), "payment declined: no funds");
}

TEST_CASE("when storing fails, the customer gets the money back", "[orders][compensation]") {
    test::mock world;
    stock_up(world);
    world.expect(charge_of_900()).reply(http::created({{"id", "ch_1"}}));
    world.expect(statement("insert into orders")).fail(sql::error("53100", "disk full"));
    world.expect(refund()).reply(http::ok());

    CHECK_THROWS_AS(test::run([] { return shop::place_order(two_lamps); }, world), sql::error);
}

TEST_CASE("when the refund fails as well, both errors are told", "[orders][compensation]") {
    test::mock world;
    stock_up(world);
    world.expect(charge_of_900()).reply(http::created({{"id", "ch_1"}}));
    world.expect(statement("insert into orders")).fail(sql::error("53100", "disk full"));
    world.expect(refund()).reply(http::bad_request());

    try {
        test::run([] { return shop::place_order(two_lamps); }, world);
        FAIL("the order went through");
    } catch (shop::refund_failed const& e) {
        CHECK_THAT(e.what(), Catch::Contains("disk full") && Catch::Contains("400"));
    }
}

TEST_CASE("an order that is cancelled after its charge is refunded all the same", "[orders][compensation]") {
    test::mock world;
    stock_up(world);
    world.expect(charge_of_900()).reply(http::created({{"id", "ch_1"}}));
    world.expect(statement("insert into orders")).hang();
    world.expect(refund()).reply(http::ok());

    CHECK_THROWS_AS(test::run([] { async::timeout(1s, [] { shop::place_order(two_lamps); }); }, world),
                    async::timed_out);
}

TEST_CASE("the same order placed twice at once is charged once and stored once", "[orders][concurrency]") {
    demo::provider provider;
    auto seed = GENERATE(range(1, 50));

    auto left = test::run(
        {.seed = static_cast<std::uint64_t>(seed)},
        [] {
            auto [a, b] =
                async::all([] { return shop::place_order(two_lamps); }, [] { return shop::place_order(two_lamps); });
            CHECK(a == b);
            return lamps_left();
        },
        http::in_process(provider.routes()), shop_database());

    CHECK(left == 3);
    CHECK(provider.ledger().at("o1").charged == 1);
    CHECK(provider.ledger().at("o1").refunded == 0);
}

TEST_CASE("of three orders for two lamps each, with five in stock, one is refunded or refused",
          "[orders][concurrency]") {
    demo::provider provider;
    auto seed = GENERATE(range(1, 50));

    auto left = test::run(
        {.seed = static_cast<std::uint64_t>(seed)},
        [] {
            int refused = 0;
            std::vector<std::string> ids{"o1", "o2", "o3"};
            async::map(ids, {.limit = 3}, [&](std::string const& id) {
                try {
                    shop::place_order({id, "lamp", 2});
                } catch (shop::out_of_stock const&) {
                    ++refused;
                }
                return 0;
            });
            CHECK(refused == 1);
            return lamps_left();
        },
        http::in_process(provider.routes()), shop_database());

    CHECK(left == 1);
    int kept = 0;
    for (auto& [order, e] : provider.ledger()) kept += e.charged - e.refunded;
    CHECK(kept == 2);
}

TEST_CASE("the service speaks REST", "[orders][service]") {
    demo::provider provider;
    auto at = [](auto&& r) { return perform(r).status; };

    test::run(
        [&] {
            effects::handle(
                [&] {
                    CHECK(at(http::put("/orders/o1").json({{"sku", "lamp"}, {"qty", 2}})) == 201);
                    CHECK(perform(http::get("/orders/o1")).json()["cents"] == 900);
                    CHECK(perform(http::get("/stock/lamp")).json()["qty"] == 3);
                    CHECK(at(http::get("/orders/o2")) == 404);
                    CHECK(at(http::put("/orders/o3").json({{"sku", "lamp"}, {"qty", 9}})) == 409);
                    CHECK(at(http::put("/orders/o3").json({{"qty", 9}})) == 422);
                    CHECK(at(http::put("/orders/o3").json({{"sku", "lamp"}, {"qty", "many"}})) == 422);
                    CHECK(at(http::put("/orders/o3").body("{", "application/json")) == 400);
                    CHECK(at(http::del("/orders/o1")) == 405);
                },
                http::in_process(shop::routes()));
        },
        http::in_process(provider.routes()), shop_database());
}
