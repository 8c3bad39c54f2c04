// SPDX-License-Identifier: BSL-1.0
// What the README's three faces leave out, and the first of them.
#pragma once

#include <chrono>
#include <string>

#include <effects/effects.hpp>
#include <effects/http.hpp>
#include <effects/sql.hpp>
#include <nlohmann/json.hpp>

using effects::perform;
using namespace std::chrono_literals;
namespace http = effects::http;
namespace sql = effects::sql;

namespace {

struct cart {
    std::string sku;
    int qty = 0;
    long cents = 0;
};
struct order {
    std::string sku;
    int qty = 0;
};
struct out_of_stock {
    std::string sku;
};

#include "orders.cpp"

} // namespace
