// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "types.hpp"

namespace shop {

/// Checks the stock, charges, stores. Whatever goes wrong after the charge (also a cancellation), the customer gets the money
/// back, unless the same order, asked for twice at once, was stored by the other request. An order that is there already is given
/// as it is. Throws `out_of_stock`, `payment_declined`, `order_conflict`, `refund_failed`.
order place_order(cart const& wanted);

} // namespace shop
