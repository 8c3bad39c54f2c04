// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/http/client.hpp>
#include <effects/http/error.hpp>
#include <effects/net/error.hpp>

#include <support/certificates.hpp>

#include "far_end.hpp"
#include "sample_server.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
namespace sim = effects::sim;
using effects::test_support::authority;
using namespace std::chrono_literals;

namespace {

authority const ca;

/// Runs `body` beside an https server at shop.example, whose certificate is for `name`.
template <class Body>
void beside_https(std::string const& name, Body body) {
    auto identity = ca.issue({.names = {name}});
    sim::run([&] {
        async::task_group([&](async::group& g) {
            http::server_options options;
            options.tls = net::tls::server_options{identity.certificate_pem, identity.private_key_pem};
            g.spawn([options] { http::serve("shop.example:443", sample(), options); });
            body();
            g.cancel();
        });
    });
}

http::client trusting(std::string const& authorities) {
    http::client_options o;
    o.tls.ca_pem = authorities;
    return http::client(std::move(o));
}

} // namespace

TEST_CASE("https goes over TLS, and keeps its connections", "[http][https]") {
    beside_https("shop.example", [] {
        auto c = trusting(ca.certificate_pem());

        CHECK(c(http::get("https://shop.example/hello")).text() == "hello");
        CHECK(c(http::get("https://shop.example/big")).text().size() == 1'000'000);
        CHECK(c(http::post("https://shop.example/echo").body(std::string(300'000, 'x'))).text().size() == 300'000);
        CHECK(c.idle_connections() == 1);
    });
}

TEST_CASE("a certificate that does not match or is not trusted is an error that names the request",
          "[http][https][faults]") {
    beside_https("other.example", [] {
        auto c = trusting(ca.certificate_pem());
        auto mismatch = failure_of([&] { c(http::get("https://shop.example/hello")); });
        CHECK(mismatch.code == net::errc::certificate_name_mismatch);
        CHECK_THAT(mismatch.what, Catch::StartsWith("while GET https://shop.example/hello: "));

        auto stranger = trusting(authority("somebody else").certificate_pem());
        CHECK(failure_of([&] { stranger(http::get("https://shop.example/hello")); }).code ==
              net::errc::certificate_not_trusted);
        CHECK(c.idle_connections() == 0);
    });
}

TEST_CASE("plain HTTP to an https server, and the reverse, are errors and not hangs", "[http][https][faults]") {
    beside_https("shop.example", [] {
        auto plain = failure_of([] { http::client()(http::get("http://shop.example:443/hello").timeout(40s)); });
        CHECK(plain.what != "no exception");
        CHECK(plain.code != std::errc::timed_out);

        async::task_group([](async::group& g) {
            g.spawn([] { http::serve("shop.example:80", sample()); });
            auto c = trusting(ca.certificate_pem());
            auto tls = failure_of([&] { c(http::get("https://shop.example:80/hello").timeout(40s)); });
            CHECK(tls.code == net::errc::tls_handshake_failed);
            g.cancel();
        });
        auto c = trusting(ca.certificate_pem());
        CHECK(c(http::get("https://shop.example/hello")).text() == "hello");
    });
}
