// SPDX-License-Identifier: BSL-1.0
#include <effects/net/tls.hpp>

#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tls_conversation.hpp"

namespace net = effects::net;
namespace tls = effects::net::tls;
using namespace effects::test_support;

TEST_CASE("an IPv4 or IPv6 address is verified against the certificate's addresses", "[net][tls]") {
    auto const server = server_with(ca().issue({.names = {"127.0.0.1", "::1"}}));

    for (std::string const host : {"127.0.0.1", "::1", "[::1]", "0:0:0:0:0:0:0:1"}) {
        CAPTURE(host);
        conversation c;
        c.host = host;
        c.run(good_client(), server, say_hello, hear_hello);
        c.both_are_well();
    }
    conversation c;
    c.host = "127.0.0.2";
    c.run(good_client(), server, say_hello, hear_hello);
    CHECK_FAILED(c.client_failed, net::errc::certificate_name_mismatch,
                 "the certificate is for 127.0.0.1, ::1, not for 127.0.0.2");
}

TEST_CASE("names match wildcards, whatever their case, with or without the final dot", "[net][tls]") {
    auto const server = server_with(ca().issue({.names = {"*.example.com"}}));
    auto const fails = [&](std::string const& host) {
        conversation c;
        c.host = host;
        c.run(good_client(), server, say_hello, hear_hello);
        return c.client_failed ? c.client_failed->code() : std::error_code();
    };

    CHECK_FALSE(fails("www.example.com"));
    CHECK_FALSE(fails("WWW.Example.COM"));
    CHECK_FALSE(fails("www.example.com."));
    CHECK(fails("example.com") == net::errc::certificate_name_mismatch);
    CHECK(fails("a.www.example.com") == net::errc::certificate_name_mismatch);
    CHECK(fails("www.example.org") == net::errc::certificate_name_mismatch);
}

TEST_CASE("a certificate for another name is refused, saying which names it has", "[net][tls]") {
    conversation c;

    c.run(good_client(), server_with(ca().issue({.names = {"other.example", "10.1.2.3"}})), say_hello, hear_hello);

    CHECK_FAILED(c.client_failed, net::errc::certificate_name_mismatch,
                 "the certificate is for other.example, 10.1.2.3, not for localhost");
    CHECK_THAT(c.client_failed->what(), Catch::StartsWith("while shaking hands (TLS) with localhost: "));
    CHECK_FAILED(c.server_failed, net::errc::tls_handshake_failed, "alert");
}

TEST_CASE("a common name does not stand in for a subject alternative name", "[net][tls]") {
    conversation c;

    c.run(good_client(), server_with(ca().issue({.names = {}, .common_name = "localhost"})), say_hello, hear_hello);

    CHECK_FAILED(c.client_failed, net::errc::certificate_name_mismatch, "no name at all");
}

TEST_CASE("a certificate cannot forge lines of a log by its names", "[net][tls]") {
    conversation c;

    c.run(good_client(), server_with(self_signed({.common_name = "x\nok: all is \x1b[2Jwell"})), say_hello, nothing);

    CHECK_FAILED(c.client_failed, net::errc::certificate_not_trusted, "self-signed certificate");
    std::string const what = c.client_failed->what();
    CHECK(what.find_first_of("\n\x1b") == what.npos);
}

TEST_CASE("server_name overrides the host that was connected to", "[net][tls]") {
    conversation c;
    c.host = "192.0.2.7";

    c.run(tls::client_context({.server_name = "localhost", .ca_pem = ca().certificate_pem()}), good_server(), say_hello,
          hear_hello);

    c.both_are_well();
}

TEST_CASE("a certificate that has expired, or is not yet valid, is refused", "[net][tls]") {
    SECTION("expired") {
        conversation c;
        c.run(good_client(), server_with(ca().issue({.valid_from_days = -30, .valid_to_days = -1})), say_hello,
              hear_hello);
        CHECK_FAILED(c.client_failed, net::errc::certificate_not_trusted, "certificate has expired");
        CHECK_FAILED(c.server_failed, net::errc::tls_handshake_failed, "expired");
    }
    SECTION("not yet") {
        conversation c;
        c.run(good_client(), server_with(ca().issue({.valid_from_days = 1, .valid_to_days = 30})), say_hello,
              hear_hello);
        CHECK_FAILED(c.client_failed, net::errc::certificate_not_trusted, "not yet valid");
    }
}

TEST_CASE("a self-signed certificate is refused, unless it is trusted itself", "[net][tls]") {
    auto const own = self_signed();
    SECTION("refused") {
        conversation c;
        c.run(good_client(), server_with(own), say_hello, hear_hello);
        CHECK_FAILED(c.client_failed, net::errc::certificate_not_trusted,
                     "the certificate of localhost is not trusted: self-signed certificate");
    }
    SECTION("trusted") {
        conversation c;
        c.run(tls::client_context({.ca_pem = own.certificate_pem}), server_with(own), say_hello, hear_hello);
        c.both_are_well();
    }
}

TEST_CASE("a certificate of an unknown authority is refused, naming the authority", "[net][tls]") {
    auto const server = server_with(authority("Mallory & Sons").issue());

    for (auto const& client : {tls::client_context(), good_client()}) {
        conversation c;
        c.run(client, server, say_hello, hear_hello);
        CHECK_FAILED(c.client_failed, net::errc::certificate_not_trusted, "unable to get local issuer certificate");
        CHECK_THAT(c.client_failed->what(), Catch::Contains("Mallory & Sons"));
        CHECK_FAILED(c.server_failed, net::errc::tls_handshake_failed, "unknown ca");
    }
}

TEST_CASE("an authority may be trusted by a file, by text, or by both", "[net][tls]") {
    char path[] = "/tmp/effects_authorities_XXXXXX";
    int const file = mkstemp(path);
    REQUIRE(file >= 0);
    std::string const pem = ca().certificate_pem();
    REQUIRE(::write(file, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()));
    ::close(file);
    tls::client_context const by_file({.ca_file = path});
    tls::client_context const by_both({.ca_file = path, .ca_pem = authority().certificate_pem()});
    std::remove(path); // read once, when the context was made

    for (auto const& client : {by_file, by_both}) {
        conversation c;
        c.run(client, good_server(), say_hello, hear_hello);
        c.both_are_well();
    }
}

TEST_CASE("an intermediate authority is trusted through its root, and may be trusted itself", "[net][tls]") {
    authority const between = ca().intermediate("between");
    auto const server = server_with(between.issue());

    for (auto const& client : {good_client(), tls::client_context({.ca_pem = between.certificate_pem()})}) {
        conversation c;
        c.run(client, server, say_hello, hear_hello);
        c.both_are_well();
    }
}

TEST_CASE("a chain that ends at an unknown root is refused", "[net][tls]") {
    authority const between = authority("unrelated").intermediate("between");
    conversation c;

    c.run(good_client(), server_with(between.issue()), say_hello, hear_hello);

    CHECK_FAILED(c.client_failed, net::errc::certificate_not_trusted, "localhost");
}

TEST_CASE("verify = false accepts any certificate", "[net][tls]") {
    tls::client_context const client({.verify = false});

    for (auto const& own : {self_signed(), ca().issue({.names = {"other.example"}}),
                            ca().issue({.valid_from_days = -30, .valid_to_days = -1})}) {
        conversation c;
        c.run(client, server_with(own), say_hello, hear_hello);
        c.both_are_well();
    }
}

TEST_CASE("a host that cannot be verified is a mistake of the caller", "[net][tls]") {
    turns scheduler;

    for (std::string const& host :
         {std::string(), std::string("localhost\0.evil.example", 23), std::string(300, 'x')}) {
        duplex d(scheduler);
        CHECK_THROWS_AS(tls::connect(std::move(d.client), host, good_client()), std::invalid_argument);
    }
    CHECK_THROWS_AS(tls::connect(net::stream(), "localhost", good_client()), std::logic_error);
    CHECK_THROWS_AS(tls::accept(net::stream(), good_server()), std::logic_error);
}

TEST_CASE("a client certificate is asked for and verified where the server says so", "[net][tls]") {
    auto const own = ca().issue();
    tls::server_context const server({.certificate_pem = own.certificate_pem,
                                      .private_key_pem = own.private_key_pem,
                                      .client_ca_pem = ca().certificate_pem()});
    auto const client_with = [](identity const& its) {
        return tls::client_context({.ca_pem = ca().certificate_pem(),
                                    .certificate_pem = its.certificate_pem,
                                    .private_key_pem = its.private_key_pem});
    };

    SECTION("a good one") {
        conversation c;
        c.run(client_with(ca().issue({.names = {"customer 7"}})), server, say_hello, hear_hello);
        c.both_are_well();
    }
    SECTION("none") {
        conversation c;
        c.run(
            good_client(), server, [](net::stream& peer) { peer.read_all(); }, nothing);
        CHECK_FAILED(c.server_failed, net::errc::tls_handshake_failed, "did not return a certificate");
        CHECK_FAILED(c.client_failed, net::errc::tls_handshake_failed, "the peer refused our certificate");
    }
    SECTION("one of another authority") {
        conversation c;
        c.run(
            client_with(authority().issue()), server, [](net::stream& peer) { peer.read_all(); }, nothing);
        CHECK_FAILED(c.server_failed, net::errc::certificate_not_trusted, "the certificate of the client");
        CHECK_FAILED(c.client_failed, net::errc::tls_handshake_failed, "unknown ca");
    }
}
