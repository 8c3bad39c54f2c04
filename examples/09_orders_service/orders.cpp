// SPDX-License-Identifier: BSL-1.0
#include "orders.hpp"

#include <exception>

#include <effects/async.hpp>

#include "payments.hpp"
#include "repository.hpp"

namespace async = effects::async;

namespace shop {

namespace {

std::string text_of(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& e) {
        return e.what();
    } catch (async::cancelled const& c) {
        return "cancelled: " + std::string(to_string(c.why()));
    } catch (...) {
        return "an unknown error";
    }
}

// The order has failed for `cause`; its charge may have gone through. Not cancellable.
void compensate(cart const& wanted, std::exception_ptr cause) {
    try {
        async::shield([&] { refund(wanted.id); });
    } catch (std::exception const& e) {
        throw refund_failed(wanted.id, text_of(cause), e.what());
    }
}

} // namespace

order place_order(cart const& wanted) {
    auto stock = find_stock(wanted.sku);
    if (auto there = find_order(wanted.id)) return *there; // after the stock: it may have just taken the last ones
    if (!stock || stock->qty < wanted.qty) throw out_of_stock(wanted.sku);

    order placed{wanted.id, wanted.sku, wanted.qty, stock->cents * wanted.qty, {}};
    try {
        placed.charge = charge(placed.id, placed.cents);
        return store(placed);
    } catch (payment_declined const&) {
        throw; // nothing was charged
    } catch (...) {
        compensate(wanted, std::current_exception());
        throw;
    }
}

} // namespace shop
