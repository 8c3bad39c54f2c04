// SPDX-License-Identifier: BSL-1.0
// The README's three faces, in the order in which they stand there, with what they leave out.
#include <catch2/catch.hpp>

#include <chrono>
#include <string>

#include <effects/effects.hpp>
#include <effects/http.hpp>
#include <effects/live.hpp>
#include <effects/sql.hpp>
#include <effects/sqlite.hpp>
#include <effects/test.hpp>
#include <effects/test/catch2.hpp>
#include <nlohmann/json.hpp>

using effects::perform;
using namespace std::chrono_literals;
namespace http = effects::http;
namespace live = effects::live;
namespace sql = effects::sql;
namespace sqlite = effects::sqlite;
namespace test = effects::test;

namespace {

struct cart {
    std::string sku;
    int qty = 0;
    long cents = 0;
};
struct order {
    std::string sku;
    int qty = 0;
};
struct out_of_stock {
    std::string sku;
};

#include "orders.cpp"

http::router order_routes() {
    http::router routes;
    routes.post("/orders/{sku}", [](http::incoming const& in) { place_order({in.param("sku"), 1, 450}); });
    return routes;
}

} // namespace

#include "orders_test.cpp"

// Compiled, and not run: it would serve until it is told to end.
// (`main` may end without a return, other functions that return int may not.)
namespace production {
#define int void
#define main serve_orders
#include "production.cpp"
#undef main
#undef int
} // namespace production
