// SPDX-License-Identifier: BSL-1.0
// The README's main, with its logic. Compiled, and not run: it would serve until it is told to end.
#include <effects/live.hpp>
#include <effects/sqlite.hpp>

#include "readme_parts.hpp"

namespace live = effects::live;
namespace sqlite = effects::sqlite;

namespace {

http::router order_routes() {
    http::router routes;
    routes.post("/orders/{sku}", [](http::incoming const& in) { place_order({in.param("sku"), 1, 450}); });
    return routes;
}

} // namespace

#include "production.cpp"
