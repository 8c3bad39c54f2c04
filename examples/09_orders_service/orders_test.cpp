// SPDX-License-Identifier: BSL-1.0
// The shop's logic under mocks and simulated time: no socket, no file, no sleep.
#include <catch2/catch.hpp>

#include <chrono>
#include <utility>

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
    return http::post("/charges").json({{"order", "o1"}, {"cents", 900}}).header("Idempotency-Key", "charge-o1-1");
}
http::request refund() {
    return http::post("/refunds")
        .json({{"order", "o1"}, {"charge", "charge-o1-1"}})
        .header("Idempotency-Key", "refund-o1-1");
}
auto statement(std::string beginning) {
    return test::matching<sql::query>().text(test::starts_with(std::move(beginning)));
}

// A shop with five lamps and no orders.
void stock_up(test::mock& world) {
    world.on(statement("select qty, cents from stock")).reply(sql::table{{"qty", "cents"}, {{5, 450}}});
    world.on(statement("select id, sku")).reply(sql::no_rows());
    world.on(statement("insert into payments")).reply(sql::affected(1));
    world.on(statement("select order_id, attempt"))
        .reply(sql::table{{"order_id", "attempt", "sku", "qty", "cents", "state"},
                          {{"o1", 1, "lamp", 2, 900, "pending"}}});
    world.on(statement("update payments")).reply(sql::affected(1));
    world.on(statement("select count(*) from payments")).reply(sql::table{{"count(*)"}, {{0}}});
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

TEST_CASE("an order that was refunded is charged anew when it is asked for again", "[orders][compensation]") {
    demo::provider provider;
    auto sold_out_meanwhile = [sold = false](http::request r) mutable {
        bool charges = r.url() == "/charges";
        auto answer = perform(std::move(r));
        if (charges && !std::exchange(sold, true)) perform(sql::query("update stock set qty = 1"));
        return answer;
    };

    auto placed = test::run(
        [&] {
            return effects::handle(
                [] {
                    CHECK_THROWS_AS(shop::place_order(two_lamps), shop::out_of_stock);
                    perform(sql::query("update stock set qty = 5"));
                    return shop::place_order(two_lamps);
                },
                effects::on<http::request>(sold_out_meanwhile));
        },
        http::in_process(provider.routes()), shop_database());

    CHECK(placed.charge == "ch-2");
    CHECK(provider.ledger().at("o1").charged == 2);
    CHECK(provider.ledger().at("o1").refunded == 1);
}

TEST_CASE("a request that gives up does not refund the order that its twin has stored", "[orders][concurrency]") {
    demo::provider provider;

    test::run(
        [] {
            auto gives_up = [] {
                effects::handle([] { CHECK_THROWS_AS(shop::place_order(two_lamps), http::status_error); },
                                effects::on<http::request>([](http::request r) {
                                    return r.url() == "/charges" ? http::unavailable() : perform(std::move(r));
                                }));
            };
            async::all(gives_up, [] {
                async::sleep_for(1ms);
                shop::place_order(two_lamps);
            });
            CHECK(shop::find_order("o1"));
        },
        http::in_process(provider.routes()), shop_database());

    CHECK(provider.ledger().at("o1").charged == 1);
    CHECK(provider.ledger().at("o1").refunded == 0);
}

TEST_CASE("an order whose twin gave up while it was charged is refunded, not stored without money",
          "[orders][concurrency]") {
    demo::provider provider;
    // The charge is made before the twin's refund, or comes when that has been.
    auto before = GENERATE(true, false);

    test::run(
        [&] {
            auto slow = [before](http::request r) {
                bool charges = r.url() == "/charges";
                if (charges && !before) async::sleep_for(10s);
                auto answer = perform(std::move(r));
                if (charges && before) async::sleep_for(10s);
                return answer;
            };
            auto is_slow = [&] {
                effects::handle([] { CHECK_THROWS(shop::place_order(two_lamps)); }, effects::on<http::request>(slow));
            };
            auto gives_up = [] {
                effects::handle([] { CHECK_THROWS_AS(shop::place_order(two_lamps), http::status_error); },
                                effects::on<http::request>([](http::request r) {
                                    return r.url() == "/charges" ? http::unavailable() : perform(std::move(r));
                                }));
            };
            async::all(is_slow, gives_up);
            CHECK_FALSE(shop::find_order("o1"));
            shop::place_order(two_lamps);
            CHECK(lamps_left() == 3);
        },
        http::in_process(provider.routes()), shop_database());

    auto const& e = provider.ledger().at("o1");
    CHECK(e.charged - e.refunded == 1);
}

TEST_CASE("a refund that was cut off is finished before the order is charged again", "[orders][compensation]") {
    demo::provider provider;

    test::run(
        [] {
            auto p = shop::begin_payment(two_lamps, 900);
            perform(charge_of_900());
            shop::fail(p); // and here the process died

            CHECK(shop::place_order(two_lamps).charge == "ch-2");
        },
        http::in_process(provider.routes()), shop_database());

    CHECK(provider.ledger().at("o1").charged == 2);
    CHECK(provider.ledger().at("o1").refunded == 1);
}

TEST_CASE("an attempt to pay that was cut off goes on at its price", "[orders][compensation]") {
    demo::provider provider;

    test::run(
        [] {
            shop::begin_payment(two_lamps, 900);
            perform(charge_of_900()); // and here the process died
            perform(sql::query("update stock set cents = 1000"));

            CHECK(shop::place_order(two_lamps) == shop::order{"o1", "lamp", 2, 900, "ch-1"});
        },
        http::in_process(provider.routes()), shop_database());

    CHECK(provider.ledger().at("o1").charged == 1);
}

TEST_CASE("of two different orders under one id at once, one is charged and stored", "[orders][concurrency]") {
    demo::provider provider;

    test::run(
        [] {
            int conflicts = 0;
            auto place = [&](int qty) {
                try {
                    shop::place_order({"o1", "lamp", qty});
                } catch (shop::order_conflict const&) {
                    ++conflicts;
                }
            };
            async::all([&] { place(1); }, [&] { place(2); });
            CHECK(conflicts == 1);
        },
        http::in_process(provider.routes()), shop_database());

    CHECK(provider.ledger().at("o1").charged == 1);
    CHECK(provider.ledger().at("o1").refunded == 0);
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
                    for (std::string const& id :
                         std::vector<std::string>{"a%0d%0ab", "%ff", "a%20b", std::string(65, 'a')})
                        CHECK(at(http::put("/orders/" + id).json({{"sku", "lamp"}, {"qty", 1}})) == 422);
                    CHECK(at(http::put("/orders/o3").body("{", "application/json")) == 400);
                    CHECK(at(http::del("/orders/o1")) == 405);
                },
                http::in_process(shop::routes()));
        },
        http::in_process(provider.routes()), shop_database());
}
