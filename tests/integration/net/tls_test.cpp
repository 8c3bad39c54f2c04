// SPDX-License-Identifier: BSL-1.0
#include <effects/net/tls.hpp>

#include <catch2/catch.hpp>

#include <string>

#include <effects/async/group.hpp>
#include <effects/live/run.hpp>
#include <effects/net/error.hpp>
#include <support/certificates.hpp>

#include "loopback.hpp"

using effects::perform;
namespace async = effects::async;
namespace live = effects::live;
namespace net = effects::net;
namespace tls = effects::net::tls;
using namespace effects::test_support;

namespace {

tls::server_context server_of(identity const& who) {
    return tls::server_context({.certificate_pem = who.certificate_pem, .private_key_pem = who.private_key_pem});
}

} // namespace

TEST_CASE("TLS over a loopback socket carries large transfers in both directions", "[net][live][tls]") {
    authority const ca;
    tls::server_context const at_server = server_of(ca.issue());
    tls::client_context const at_client({.ca_pem = ca.certificate_pem()});
    std::string text(1 << 20, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31);

    live::run([&] {
        auto [client, server] = connect_loopback();
        std::string up(text.size(), '\0');
        std::string down(text.size(), '\0');
        async::task_group([&, &c = client, &s = server](async::group& g) {
            g.spawn([&] {
                net::stream safe = tls::accept(std::move(s), at_server);
                async::task_group([&](async::group& both) {
                    both.spawn([&] { safe.write(text); });
                    safe.read_exactly(bytes_of(up));
                });
                safe.shutdown_write();
            });
            net::stream safe = tls::connect(std::move(c), "localhost", at_client);
            REQUIRE(tls::session_of(safe));
            CHECK(tls::session_of(safe)->version == "TLSv1.3");
            async::task_group([&](async::group& both) {
                both.spawn([&] { safe.write(text); });
                safe.read_exactly(bytes_of(down));
            });
            std::byte one[1];
            CHECK(safe.read_some(one) == 0);
        });
        CHECK((up == text));
        CHECK((down == text));
    });
}

TEST_CASE("a certificate for another name is refused over a loopback socket", "[net][live][tls][error]") {
    authority const ca;
    tls::server_context const at_server = server_of(ca.issue({.names = {"other.example"}}));
    tls::client_context const at_client({.ca_pem = ca.certificate_pem()});
    live::run([&] {
        auto [client, server] = connect_loopback();
        async::task_group([&, &c = client, &s = server](async::group& g) {
            g.spawn([&] { CHECK_THROWS_AS(tls::accept(std::move(s), at_server), net::error); });
            try {
                tls::connect(std::move(c), "localhost", at_client);
                FAIL("the certificate is another's");
            } catch (net::error const& e) {
                CHECK(e.code() == net::errc::certificate_name_mismatch);
                CHECK_THAT(e.what(), Catch::Matchers::Contains("localhost"));
            }
        });
    });
}

TEST_CASE("a certificate that nobody vouches for is refused over a loopback socket", "[net][live][tls][error]") {
    tls::server_context const at_server = server_of(self_signed());
    tls::client_context const at_client;
    live::run([&] {
        auto [client, server] = connect_loopback();
        async::task_group([&, &c = client, &s = server](async::group& g) {
            g.spawn([&] { CHECK_THROWS_AS(tls::accept(std::move(s), at_server), net::error); });
            try {
                tls::connect(std::move(c), "localhost", at_client);
                FAIL("nobody vouches for it");
            } catch (net::error const& e) {
                CHECK(e.code() == net::errc::certificate_not_trusted);
            }
        });
    });
}

TEST_CASE("a peer that does not speak TLS fails the handshake", "[net][live][tls][error]") {
    tls::client_context const at_client;
    live::run([&] {
        auto [client, server] = connect_loopback();
        async::task_group([&, &c = client, &s = server](async::group& g) {
            g.spawn([&] {
                s.write("220 mail.example ESMTP\r\n");
                s.shutdown_write();
            });
            CHECK_THROWS_AS(tls::connect(std::move(c), "localhost", at_client), net::error);
        });
    });
}
