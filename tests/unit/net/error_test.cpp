// SPDX-License-Identifier: BSL-1.0
#include <effects/net/error.hpp>

#include <string>

#include <catch2/catch.hpp>

namespace net = effects::net;

TEST_CASE("codes of the network have words", "[net][error]") {
    for (int i = 1; i <= static_cast<int>(net::errc::tls_failed); ++i)
        CHECK_THAT(make_error_code(static_cast<net::errc>(i)).message(), !Catch::StartsWith("net error"));
    CHECK(make_error_code(static_cast<net::errc>(999)).message() == "net error 999");
    CHECK(std::string(net::category().name()) == "net");
}

TEST_CASE("what a network may mend by itself is transient", "[net][error]") {
    CHECK(net::error(std::make_error_code(std::errc::connection_refused), "x").transient());
    CHECK(net::error(std::make_error_code(std::errc::connection_reset), "x").transient());
    CHECK(net::error(std::make_error_code(std::errc::timed_out), "x").transient());
    CHECK(net::error(net::errc::end_of_stream, "x").transient());
    CHECK_FALSE(net::error(std::make_error_code(std::errc::address_in_use), "x").transient());
    for (auto code : {net::errc::host_not_found, net::errc::tls_handshake_failed, net::errc::certificate_not_trusted,
                      net::errc::certificate_name_mismatch, net::errc::closed, net::errc::tls_failed})
        CHECK_FALSE(net::error(code, "x").transient());
}
