// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

// The payment provider, as the shop uses it. Both calls carry an idempotency key, so that trying again is safe.
namespace shop {

/// Charges for an order, once, however often it is asked; gives the charge's id. Tries again what may pass (503, timeouts, lost
/// connections). Throws `payment_declined`, or what the last attempt threw.
std::string charge(std::string const& order, long cents);

/// Takes back what was charged for an order, if anything was.
void refund(std::string const& order);

} // namespace shop
