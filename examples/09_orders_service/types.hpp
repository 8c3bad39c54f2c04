// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>
#include <string>

namespace shop {

/// What a customer wants. The customer chooses the order's id, so that asking twice orders once.
struct cart {
    std::string id;
    std::string sku;
    int qty = 1;
};

struct order {
    std::string id;
    std::string sku;
    int qty = 0;
    long cents = 0;
    std::string charge; // the payment provider's id
    bool operator==(order const&) const = default;
};

/// One attempt to charge for an order. Its number goes into the idempotency keys: an attempt whose money went back is not
/// charged again by asking again, for the next one has a number, and keys, of its own.
struct payment {
    std::string order;
    int attempt = 1;
    std::string sku;
    int qty = 0;
    long cents = 0;
    std::string state = "pending"; // → stored (with its order), or → failed → refunded
    bool operator==(payment const&) const = default;
};

struct out_of_stock : std::runtime_error {
    explicit out_of_stock(std::string const& sku) : std::runtime_error("out of stock: " + sku) {}
};
struct payment_declined : std::runtime_error {
    explicit payment_declined(std::string const& why) : std::runtime_error("payment declined: " + why) {}
};
/// Something else is being ordered under the same id, or the attempt to pay for it has been given up meanwhile.
struct order_conflict : std::runtime_error {
    explicit order_conflict(std::string const& order) : std::runtime_error("another request changed order " + order) {}
};
/// An order failed after its charge, and the refund failed too: somebody has to look at it.
struct refund_failed : std::runtime_error {
    refund_failed(std::string const& order, std::string const& cause, std::string const& refund)
        : std::runtime_error("order " + order + " failed (" + cause + ") and so did its refund (" + refund + ")") {}
};

} // namespace shop
