// SPDX-License-Identifier: BSL-1.0
#include <effects/net/tls.hpp>

#include <catch2/catch.hpp>

#include "tls_conversation.hpp"

namespace net = effects::net;
namespace tls = effects::net::tls;
using namespace effects::test_support;

TEST_CASE("a client and a server shake hands and talk in both directions", "[net][tls]") {
    conversation c;

    c.run(
        good_client(), good_server(),
        [](net::stream& peer) {
            peer.write("question?");
            CHECK(peer.read_until("!", 100) == "answer!");
            CHECK(peer.remote() == net::endpoint{"peer of client", 2});
            CHECK(peer.local() == net::endpoint{"client", 1});
            say_hello(peer);
        },
        [](net::stream& peer) {
            CHECK(peer.read_until("?", 100) == "question?");
            peer.write("answer!");
            hear_hello(peer);
        });

    c.both_are_well();
}

TEST_CASE("a session tells its version and protocol, a plain stream none", "[net][tls]") {
    conversation c;
    std::optional<tls::session> of_client, of_server;
    CHECK_FALSE(tls::session_of(c.wire.client));
    CHECK_FALSE(tls::session_of(net::stream()));

    c.run(
        good_client(), good_server(), [&](net::stream& peer) { of_client = tls::session_of(peer); },
        [&](net::stream& peer) { of_server = tls::session_of(peer); });

    c.both_are_well();
    REQUIRE(of_client);
    REQUIRE(of_server);
    CHECK(of_client->version == "TLSv1.3");
    CHECK(of_client->cipher == of_server->cipher);
    CHECK(of_client->protocol == "http/1.1");
    CHECK(of_server->protocol == "http/1.1");
}

TEST_CASE("ALPN: without a common protocol there is no session, with no offer there is", "[net][tls]") {
    auto const own = ca().issue();
    tls::server_context const server(
        {.certificate_pem = own.certificate_pem, .private_key_pem = own.private_key_pem, .protocols = {"b", "a"}});
    auto const client = [](std::vector<std::string> protocols) {
        return tls::client_context({.ca_pem = ca().certificate_pem(), .protocols = std::move(protocols)});
    };

    SECTION("the server's order decides") {
        conversation c;
        std::string chosen;
        c.run(client({"a", "b"}), server, nothing,
              [&](net::stream& peer) { chosen = tls::session_of(peer)->protocol; });
        c.both_are_well();
        CHECK(chosen == "b");
    }
    SECTION("nothing in common") {
        conversation c;
        c.run(client({"x"}), server, nothing, nothing);
        CHECK_FAILED(c.client_failed, net::errc::tls_handshake_failed, "no application protocol");
        CHECK_FAILED(c.server_failed, net::errc::tls_handshake_failed, "no application protocol");
    }
    SECTION("no offer") {
        conversation c;
        c.run(client({}), server, say_hello, hear_hello);
        c.both_are_well();
    }
}

TEST_CASE("a peer that does not speak TLS is recognised", "[net][tls]") {
    SECTION("a server of plain HTTP") {
        turns both;
        duplex d(both);
        both.task("client", [&] {
            try {
                tls::connect(std::move(d.client), "localhost", good_client());
                FAIL("it worked");
            } catch (net::error const& e) {
                CHECK(e.code() == net::errc::tls_handshake_failed);
                CHECK_THAT(e.what(),
                           Catch::Contains("wrong version number") && Catch::Contains("does not seem to speak TLS"));
            }
        });
        both.task("server", [&] { d.server.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
        both.run();
    }
    SECTION("a client of plain HTTP") {
        turns both;
        duplex d(both);
        both.task("client", [&] { d.client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); });
        both.task("server", [&] {
            try {
                tls::accept(std::move(d.server), good_server());
                FAIL("it worked");
            } catch (net::error const& e) {
                CHECK(e.code() == net::errc::tls_handshake_failed);
                CHECK_THAT(e.what(), Catch::Contains("the peer speaks plain HTTP"));
            }
        });
        both.run();
    }
}

TEST_CASE("whatever bytes a peer sends in the handshake, it is an error", "[net][tls]") {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        std::string garbage = pattern(600, seed);
        if (seed % 2 == 0)
            garbage = std::string("\x16\x03\x03\x02\x00\x02\x00\x01\xfc", 9) + garbage; // a server hello?
        net::stream plain(std::make_unique<scripted>(std::vector<std::string>{garbage}));
        CHECK_THROWS_AS(tls::connect(std::move(plain), "localhost", good_client()), net::error);
    }
}

TEST_CASE("a peer that hangs up during the handshake is an error of the handshake", "[net][tls]") {
    SECTION("at once") {
        net::stream plain(std::make_unique<scripted>(std::vector<std::string>{}));
        CHECK_THROWS_WITH(tls::connect(std::move(plain), "localhost", good_client()),
                          Catch::Contains("hung up during the TLS handshake"));
    }
    SECTION("after each byte that the server sends") {
        std::string said;
        {
            conversation c;
            c.wire.to_client->damage = [&](std::size_t, char byte) { return said += byte, byte; };
            c.run(good_client(), good_server(), nothing, nothing);
        }
        REQUIRE(said.size() > 500);
        for (std::size_t cut = 1; cut < 500; cut += 7) {
            net::stream plain(std::make_unique<scripted>(std::vector<std::string>{said.substr(0, cut)}));
            try {
                tls::connect(std::move(plain), "localhost", good_client());
                FAIL("it worked");
            } catch (net::error const& e) {
                CHECK(e.code() == net::errc::tls_handshake_failed);
            }
        }
    }
}

TEST_CASE("a peer that resets during the handshake is told as such", "[net][tls]") {
    conversation c;
    c.wire.to_server->broken = true;

    c.scheduler.task("client", [&] {
        c.keep_failure(c.client_failed, [&] { tls::connect(std::move(c.wire.client), "localhost", good_client()); });
    });
    c.scheduler.run();

    CHECK_FAILED(c.client_failed, std::errc::connection_reset, "while shaking hands (TLS) with localhost");
}

TEST_CASE("a peer with nothing newer than TLS 1.1 is refused", "[net][tls]") {
    // A client hello of TLS 1.0, which offers one suite.
    std::string hello("\x03\x01", 2);
    hello += std::string(32, 'r') + std::string("\x00\x00\x02\x00\x2f\x01\x00", 7);
    std::string record("\x16\x03\x01\x00\x00\x01\x00\x00\x00", 9);
    record[4] = static_cast<char>(hello.size() + 4);
    record[8] = static_cast<char>(hello.size());
    auto const log = std::make_shared<scripted::log>();
    net::stream plain(std::make_unique<scripted>(std::vector<std::string>{record + hello}, log));

    CHECK_THROWS_WITH(tls::accept(std::move(plain), good_server()),
                      Catch::Contains("unsupported protocol") && Catch::Contains("before TLS 1.2"));
    CHECK(log->written.substr(0, 1) == "\x15"); // the peer is told: an alert
}

TEST_CASE("a peer of TLS 1.2 is served and spoken to", "[net][tls]") {
    turns both;
    duplex d(both);
    SECTION("a client") {
        both.task("client", [&] {
            bare_peer peer(d.client, false, TLS1_2_VERSION);
            peer.write("question?");
            CHECK(peer.read(7) == "answer!");
            CHECK(peer.has_ended());
        });
        both.task("server", [&] {
            net::stream peer = tls::accept(std::move(d.server), good_server());
            CHECK(tls::session_of(peer)->version == "TLSv1.2");
            CHECK(peer.read_until("?", 100) == "question?");
            peer.write("answer!");
            peer.shutdown_write();
        });
        both.run();
    }
    SECTION("a server, which goes on after our side has ended") {
        both.task("client", [&] {
            net::stream peer = tls::connect(std::move(d.client), "localhost", good_client());
            CHECK(tls::session_of(peer)->version == "TLSv1.2");
            peer.write("question?");
            peer.shutdown_write();
            CHECK(peer.read_until("!", 100) == "answer!");
        });
        both.task("server", [&] {
            bare_peer peer(d.server, true, TLS1_2_VERSION, ca().issue());
            CHECK(peer.read(9) == "question?");
            CHECK(peer.has_ended());
            peer.write("answer!");
        });
        both.run();
    }
}

TEST_CASE("a handshake and its data may come byte by byte", "[net][tls]") {
    conversation c;
    c.wire.to_client->step = 1;
    c.wire.to_server->step = 1;
    std::string const text = pattern(3000, 1);

    c.run(
        good_client(), good_server(),
        [&](net::stream& peer) {
            peer.write(text);
            peer.shutdown_write();
            CHECK(peer.read_all() == "ok");
        },
        [&](net::stream& peer) {
            CHECK(peer.read_all() == text);
            peer.write("ok");
            peer.shutdown_write();
        });

    c.both_are_well();
}

TEST_CASE("a wire that holds one byte at a time carries a session", "[net][tls]") {
    conversation c;
    c.wire.to_client->capacity = 1;
    c.wire.to_server->capacity = 1;

    c.run(good_client(), good_server(), say_hello, hear_hello);

    c.both_are_well();
}

TEST_CASE("any byte that is damaged during the handshake makes it fail on some side", "[net][tls]") {
    for (std::size_t at = 0; at < 700; at += 13) {
        CAPTURE(at);
        conversation c;
        c.wire.to_client->damage = [&](std::size_t i, char byte) {
            return i == at ? static_cast<char>(byte ^ 0x41) : byte;
        };
        bool wrong = false;
        try {
            c.run(
                good_client(), good_server(), [&](net::stream& peer) { wrong = peer.read_all() != "hello"; },
                say_hello);
        } catch (std::runtime_error const& stuck) { // a length that grew: the client waits for more
            CHECK_THAT(stuck.what(), Catch::Contains("stuck"));
        }
        CHECK_FALSE(wrong);
    }
}
