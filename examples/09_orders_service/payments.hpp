// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include "types.hpp"

// The payment provider, as the shop uses it. Both calls carry an idempotency key, so that trying again is safe.
namespace shop {

/// Makes the attempt's charge, once, however often it is asked; gives the charge's id. Tries again what may pass (503, timeouts, lost
/// connections). Throws `payment_declined`, or what the last attempt threw.
std::string charge(payment const& p);

/// Takes back what the attempt charged, if anything; a charge of it that comes later is declined.
void refund(payment const& p);

} // namespace shop
