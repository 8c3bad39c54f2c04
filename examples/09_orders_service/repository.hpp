// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>

#include "types.hpp"

// The shop's SQL, all of it.
namespace shop {

inline constexpr char const* schema =
    "create table if not exists stock ("
    "  sku text primary key, qty int not null check (qty >= 0), cents int not null);"
    "create table if not exists orders ("
    "  id text primary key, sku text not null references stock (sku),"
    "  qty int not null, cents int not null, charge text not null);"
    "create table if not exists payments ("
    "  order_id text primary key, attempt int not null, sku text not null,"
    "  qty int not null, cents int not null,"
    "  state text not null check (state in ('pending', 'stored', 'failed', 'refunded')));";

struct stock_line {
    int qty = 0;
    long cents = 0;
};

std::optional<stock_line> find_stock(std::string const& sku);
std::optional<order> find_order(std::string const& id);
/// Takes the goods from stock, writes the order and marks its payment, all or nothing, and gives the order as it is stored: if the
/// same one was placed twice at once, the first. Throws `out_of_stock` when others were quicker, `order_conflict` when the payment
/// has been given up.
order store(order const& o, payment const& by);

/// The attempt to pay for an order that is going on; a new one where there is none, or the last one's money is back.
payment begin_payment(cart const& wanted, long cents);
/// Gives the attempt up, so that its order can't be stored any more; false where it is stored already.
bool fail(payment const& p);
/// The attempt holds no money.
void refunded(payment const& p);

} // namespace shop
