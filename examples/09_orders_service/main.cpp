// SPDX-License-Identifier: BSL-1.0
// The service as it runs in production: orders_service ADDRESS DATABASE PAYMENT_URL
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <effects/http.hpp>
#include <effects/live.hpp>
#include <effects/sqlite.hpp>

#include "repository.hpp"
#include "service.hpp"

namespace http = effects::http;
namespace live = effects::live;
namespace sqlite = effects::sqlite;

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s ADDRESS DATABASE PAYMENT_URL   (127.0.0.1:8080 shop.db https://pay.example)\n",
                     argv[0]);
        return 2;
    }
    try {
        live::run([&] { http::serve(argv[1], shop::routes()); }, http::client{{.base_url = argv[3]}},
                  sqlite::database{argv[2], {.schema = shop::schema}});
        return EXIT_SUCCESS; // asked to end, and drained
    } catch (std::exception const& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return EXIT_FAILURE;
    }
}
