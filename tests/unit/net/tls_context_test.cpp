// SPDX-License-Identifier: BSL-1.0
#include <effects/net/tls.hpp>

#include <cstdio>
#include <fstream>

#include <catch2/catch.hpp>

#include <support/certificates.hpp>

namespace net = effects::net;
namespace tls = effects::net::tls;
using namespace effects::test_support;

namespace {

std::error_code const invalid = std::make_error_code(std::errc::invalid_argument);

// What makes the settings fail, and never the key's text.
template <class Make>
std::string complaint(Make make, std::string const& secret = {}) {
    try {
        make();
    } catch (net::error const& e) {
        CHECK(e.code() == invalid);
        std::string const what = e.what();
        if (!secret.empty()) CHECK(what.find(secret.substr(40, 20)) == what.npos);
        return what;
    }
    return "it worked";
}

std::string const garbage = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
std::string const garbage_key =
    "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5LCBidXQgc2VjcmV0\n-----END PRIVATE KEY-----\n";

} // namespace

TEST_CASE("the defaults of a client's TLS settings work and verify", "[net][tls]") {
    CHECK_NOTHROW(tls::client_context());
    CHECK(tls::client_options{}.verify);
}

TEST_CASE("authorities that are not PEM are refused by the option's name", "[net][tls]") {
    CHECK_THAT(complaint([] { tls::client_context({.ca_pem = "hello"}); }),
               Catch::Contains("ca_pem holds no PEM certificate"));
    CHECK_THAT(complaint([] { tls::client_context({.ca_pem = garbage}); }),
               Catch::Contains("ca_pem: certificate 1 cannot be read"));
    CHECK_THAT(complaint([] { tls::client_context({.ca_pem = authority().certificate_pem() + garbage}); }),
               Catch::Contains("ca_pem: certificate 2 cannot be read"));
    CHECK_THAT(complaint([] {
                   auto const own = self_signed();
                   tls::server_context({.certificate_pem = own.certificate_pem,
                                        .private_key_pem = own.private_key_pem,
                                        .client_ca_pem = "hello"});
               }),
               Catch::Contains("client_ca_pem holds no PEM certificate"));
}

TEST_CASE("several authorities, also the same twice, may stand in one text", "[net][tls]") {
    std::string const one = authority("one").certificate_pem();
    std::string const two = authority("two").certificate_pem();

    CHECK_NOTHROW(tls::client_context({.ca_pem = "a comment\n" + one + "\n# another\n" + two + one}));
}

TEST_CASE("a file of authorities that is missing or empty is named", "[net][tls]") {
    try {
        tls::client_context({.ca_file = "/nowhere/authorities.pem"});
        FAIL("it worked");
    } catch (net::error const& e) {
        CHECK(e.code() == std::errc::no_such_file_or_directory);
        CHECK_THAT(e.what(), Catch::Contains("ca_file /nowhere/authorities.pem"));
    }
    CHECK_THAT(complaint([] { tls::client_context({.ca_file = "/dev/null"}); }),
               Catch::Contains("ca_file /dev/null holds no PEM certificate"));
}

TEST_CASE("a server without a certificate or key is refused", "[net][tls]") {
    auto const own = self_signed();

    CHECK_THAT(complaint([] { tls::server_context({}); }), Catch::Contains("a server needs certificate_pem"));
    CHECK_THAT(complaint([&] { tls::server_context({.certificate_pem = own.certificate_pem}); }),
               Catch::Contains("private_key_pem is missing"));
    CHECK_THAT(complaint([&] { tls::client_context({.private_key_pem = own.private_key_pem}); }, own.private_key_pem),
               Catch::Contains("certificate_pem is missing"));
}

TEST_CASE("a certificate that is not PEM is refused by the option's name", "[net][tls]") {
    auto const own = self_signed();

    CHECK_THAT(
        complaint([&] { tls::server_context({.certificate_pem = "hello", .private_key_pem = own.private_key_pem}); }),
        Catch::Contains("certificate_pem holds no PEM certificate"));
    CHECK_THAT(
        complaint([&] { tls::server_context({.certificate_pem = garbage, .private_key_pem = own.private_key_pem}); }),
        Catch::Contains("certificate_pem: certificate 1 cannot be read"));
}

TEST_CASE("a private key that cannot be read is refused and not shown", "[net][tls]") {
    auto const own = self_signed();

    CHECK_THAT(
        complaint(
            [&] { tls::server_context({.certificate_pem = own.certificate_pem, .private_key_pem = garbage_key}); },
            garbage_key),
        Catch::Contains("private_key_pem holds no PEM private key"));
    // The likeliest mistake: the two exchanged.
    CHECK_THAT(complaint(
                   [&] {
                       tls::server_context(
                           {.certificate_pem = own.private_key_pem, .private_key_pem = own.certificate_pem});
                   },
                   own.private_key_pem),
               Catch::Contains("certificate_pem holds no PEM certificate"));
}

TEST_CASE("a private key of another certificate is refused and not shown", "[net][tls]") {
    auto const one = self_signed();
    auto const other = self_signed();

    CHECK_THAT(complaint(
                   [&] {
                       tls::server_context(
                           {.certificate_pem = one.certificate_pem, .private_key_pem = other.private_key_pem});
                   },
                   other.private_key_pem),
               Catch::Contains("private_key_pem does not belong to certificate_pem"));
}

TEST_CASE("an encrypted private key is refused without asking on the terminal", "[net][tls]") {
    auto const own = self_signed();
    std::string const locked = encrypted(own.private_key_pem, "sesame");

    CHECK_THAT(
        complaint([&] { tls::server_context({.certificate_pem = own.certificate_pem, .private_key_pem = locked}); },
                  locked),
        Catch::Contains("private_key_pem is encrypted"));
}

TEST_CASE("a protocol's name that ALPN cannot carry is refused", "[net][tls]") {
    CHECK_THAT(complaint([] { tls::client_context({.protocols = {"http/1.1", ""}}); }), Catch::Contains("protocols"));
    CHECK_THAT(complaint([] { tls::client_context({.protocols = {std::string(256, 'x')}}); }),
               Catch::Contains("protocols"));
}
