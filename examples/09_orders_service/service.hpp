// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/http.hpp>

namespace shop {

/// The REST service: PUT /orders/{id} with {"sku", "qty"}, GET /orders/{id}, GET /stock/{sku}.
effects::http::router routes();

} // namespace shop
