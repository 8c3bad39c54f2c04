// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>

#include "types.hpp"

// The shop's SQL, all of it.
namespace shop {

inline constexpr char const* schema = "create table if not exists stock ("
                                      "  sku text primary key, qty int not null check (qty >= 0), cents int not null);"
                                      "create table if not exists orders ("
                                      "  id text primary key, sku text not null references stock (sku),"
                                      "  qty int not null, cents int not null, charge text not null);";

struct stock_line {
    int qty = 0;
    long cents = 0;
};

std::optional<stock_line> find_stock(std::string const& sku);
std::optional<order> find_order(std::string const& id);
/// Takes the goods from stock and writes the order, both or neither, and gives the order as it is stored: if the same one was
/// placed twice at once, the first. Throws `out_of_stock` when others were quicker.
order store(order const& o);

} // namespace shop
