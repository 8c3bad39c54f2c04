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

// The order has failed for `cause`; its charge may have gone through, or still be on its way. The failure is written down first:
// from then on the order can't be stored, and whoever asks for it again finishes the refund. Not cancellable.
void compensate(payment const& p, std::exception_ptr cause) {
    try {
        async::shield([&] {
            if (!fail(p)) return; // stored by the same request's twin
            refund(p);
            refunded(p);
        });
    } catch (std::exception const& e) {
        throw refund_failed(p.order, text_of(cause), e.what());
    }
}

// The attempt to pay that goes on, or a new one. Its price stands, whatever became of the article's meanwhile.
payment begin(cart const& wanted, long cents) {
    auto p = begin_payment(wanted, cents);
    if (p.state == "failed") { // whoever failed was cut off before the money was back
        refund(p);
        refunded(p);
        p = begin_payment(wanted, cents);
    }
    if (p.sku != wanted.sku || p.qty != wanted.qty || p.state == "failed") throw order_conflict(wanted.id);
    return p;
}

} // namespace

order place_order(cart const& wanted) {
    auto stock = find_stock(wanted.sku);
    if (auto there = find_order(wanted.id)) return *there; // after the stock: it may have just taken the last ones
    if (!stock || stock->qty < wanted.qty) throw out_of_stock(wanted.sku);

    auto p = begin(wanted, stock->cents * wanted.qty);
    if (p.state == "stored") return find_order(wanted.id).value(); // by this request's twin, just now
    order placed{wanted.id, wanted.sku, wanted.qty, p.cents, {}};
    try {
        placed.charge = charge(p);
        return store(placed, p);
    } catch (payment_declined const&) {
        refunded(p); // nothing was charged, and this attempt never will be
        throw;
    } catch (...) {
        compensate(p, std::current_exception());
        throw;
    }
}

} // namespace shop
