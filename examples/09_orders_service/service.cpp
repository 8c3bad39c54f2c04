// SPDX-License-Identifier: BSL-1.0
#include "service.hpp"

#include <nlohmann/json.hpp>

#include "orders.hpp"
#include "repository.hpp"

namespace http = effects::http;

namespace shop {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order, id, sku, qty, cents, charge)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(stock_line, qty, cents)

namespace {

// An id goes into idempotency keys, which are header fields.
bool is_id(std::string const& text) {
    constexpr auto allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    return text.size() <= 64 && text.find_first_not_of(allowed) == std::string::npos;
}

cart cart_of(http::incoming const& in) {
    if (!is_id(in.param("id")))
        throw http::request_error(422, "an order's id has at most 64 characters: letters, digits, '-', '_', '.'");
    auto body = in.json();
    auto sku = body.is_object() ? body.find("sku") : body.end();
    if (sku == body.end() || !sku->is_string()) throw http::request_error(422, "an order names its \"sku\"");
    auto qty = body.value("qty", nlohmann::json(1));
    if (!qty.is_number_integer() || qty < 1 || qty > 1000)
        throw http::request_error(422, "\"qty\" is a whole number from 1 to 1000");
    return {in.param("id"), sku->get<std::string>(), qty.get<int>()};
}

http::response put_order(http::incoming const& in) {
    try {
        return http::created(place_order(cart_of(in)));
    } catch (out_of_stock const& e) {
        return http::conflict(e.what());
    } catch (order_conflict const& e) {
        return http::conflict(e.what());
    } catch (payment_declined const& e) {
        return http::problem(402, e.what());
    }
}

} // namespace

http::router routes() {
    http::router all;
    all.put("/orders/{id}", put_order);
    all.get("/orders/{id}", [](http::incoming const& in) {
        auto found = find_order(in.param("id"));
        return found ? http::ok(*found) : http::not_found("no such order");
    });
    all.get("/stock/{sku}", [](http::incoming const& in) {
        auto found = find_stock(in.param("sku"));
        return found ? http::ok(*found) : http::not_found("no such article");
    });
    return all;
}

} // namespace shop
