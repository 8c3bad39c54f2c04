// SPDX-License-Identifier: BSL-1.0
#include <effects/async/event.hpp>
#include <effects/net/error.hpp>
#include <effects/net/tls.hpp>

#include <support/certificates.hpp>

#include "service.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
using effects::perform;
using effects::test_support::authority;
using effects::test_support::identity;
using effects::test_support::self_signed;
using namespace std::chrono_literals;

namespace {

authority const& ca() {
    static authority const one;
    return one;
}

http::router echoes() {
    http::router r;
    r.get("/hello", [] { return http::ok_text("hello"); });
    r.post("/echo", [](http::incoming const& in) { return http::ok_text(in.text()); });
    return r;
}

http::server_options with(identity const& id) {
    http::server_options options;
    options.tls = net::tls::server_options{id.certificate_pem, id.private_key_pem};
    return options;
}

/// Trusts our authority only.
http::client trusting() {
    http::client_options o;
    o.tls.ca_pem = ca().certificate_pem();
    o.timeout = 20s;
    o.max_connections_per_host = 1;
    return http::client(std::move(o));
}

/// A GET at a server with this certificate fails with that code and these words; the client goes on with one whose
/// certificate is good, and the server has noticed.
void refused(identity const& id, net::errc code, std::vector<std::string> const& words) {
    int faults = 0;
    auto options = with(id);
    options.on_fault = [&](net::endpoint const&, effects::error const&) { ++faults; };
    auto client = trusting();
    beside(
        echoes(),
        [&](std::string const& where) {
            for (int i = 0; i < 2; ++i) {
                auto e = failure_of([&] { client(http::get(where + "/hello?token=s3cret").bearer("s3cret")); });
                CHECK(e.code == code);
                CHECK_THAT(e.what, Catch::StartsWith("while GET " + where + "/hello?token=***: ") &&
                                       !Catch::Contains("s3cret"));
                for (auto const& word : words) CHECK_THAT(e.what, Catch::Contains(word));
                CHECK(client.idle_connections() == 0);
            }
            beside(
                echoes(), [&](std::string const& good) { CHECK(client(http::get(good + "/hello")).text() == "hello"); },
                with(ca().issue()));
        },
        options);
    CHECK(faults == 2);
}

/// Runs `body(where)` beside a peer that does `f` to each connection.
template <class F, class Body>
void beside_peer(F f, Body body) {
    auto door = perform(net::listen({"127.0.0.1", 0}));
    async::task_group([&](async::group& g) {
        g.spawn({.name = "peer"}, [&] {
            for (;;) {
                auto peer = door.accept();
                try {
                    f(peer);
                } catch (effects::error const&) { // the client has gone
                }
            }
        });
        body("https://" + door.local().text());
        g.cancel();
    });
}

/// The handshake with such a peer fails; the client goes on.
template <class F>
void no_handshake(F f) {
    auto client = trusting();
    beside_peer(f, [&](std::string const& where) {
        for (int i = 0; i < 2; ++i) {
            auto e = failure_of([&] { client(http::get(where + "/?token=s3cret").bearer("s3cret")); });
            CAPTURE(e.what);
            CHECK((e.code == net::errc::tls_handshake_failed || e.code == std::errc::connection_reset ||
                   e.code == std::errc::broken_pipe));
            CHECK_THAT(e.what, Catch::StartsWith("while GET " + where + "/?token=***: ") && !Catch::Contains("s3cret"));
        }
    });
    beside(
        echoes(), [&](std::string const& good) { CHECK(client(http::get(good + "/hello")).text() == "hello"); },
        with(ca().issue()));
}

} // namespace

EFFECTS_OVER_BOTH_NETWORKS("https with a good certificate carries requests both ways and keeps its connection",
                           "[http][https]") {
    beside(
        echoes(),
        [](std::string const& where) {
            auto client = trusting();
            CHECK(client(http::get(where + "/hello")).text() == "hello");
            std::string const big(1'000'000, 'x');
            CHECK((client(http::post(where + "/echo").body(big)).text() == big));
            CHECK(client(http::get("https://localhost:" + std::to_string(endpoint_of(where).port) + "/hello")).text() ==
                  "hello");
            CHECK(client.idle_connections() == 2); // localhost is another host
        },
        with(ca().issue()));
}

EFFECTS_OVER_BOTH_NETWORKS("requests at the same time go over TLS connections of their own", "[http][https]") {
    beside(
        echoes(),
        [](std::string const& where) {
            http::client_options o;
            o.tls.ca_pem = ca().certificate_pem();
            o.max_connections_per_host = 3;
            http::client client(std::move(o));
            int answered = 0;
            async::task_group([&](async::group& g) {
                for (int i = 0; i < 12; ++i)
                    g.spawn([&, i] {
                        auto body = std::to_string(i);
                        if (client(http::post(where + "/echo").body(body)).text() == body) ++answered;
                    });
            });
            CHECK(answered == 12);
        },
        with(ca().issue()));
}

EFFECTS_OVER_BOTH_NETWORKS("a certificate for another host name is an error that says which names it has",
                           "[http][https][faults]") {
    refused(ca().issue({.names = {"other.example", "10.0.0.1"}}), net::errc::certificate_name_mismatch,
            {"127.0.0.1", "other.example"});
}

EFFECTS_OVER_BOTH_NETWORKS("a self-signed certificate is an error that says so", "[http][https][faults]") {
    refused(self_signed(), net::errc::certificate_not_trusted, {"self-signed"});
}

EFFECTS_OVER_BOTH_NETWORKS("a certificate of an authority that nobody trusts is an error that names the authority",
                           "[http][https][faults]") {
    refused(authority("somebody else").issue(), net::errc::certificate_not_trusted, {"somebody else"});
}

EFFECTS_OVER_BOTH_NETWORKS("an expired certificate is an error that says so", "[http][https][faults]") {
    refused(ca().issue({.valid_from_days = -30, .valid_to_days = -1}), net::errc::certificate_not_trusted, {"expired"});
}

EFFECTS_OVER_BOTH_NETWORKS("a peer that speaks no TLS is an error that names the URL, and the client goes on",
                           "[http][https][faults]") {
    no_handshake([](net::stream& peer) {
        peer.write("220 mail.example ESMTP\r\n");
        peer.shutdown_write();
        peer.read_all();
    });
    no_handshake([](net::stream& peer) {
        peer.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        peer.read_all();
    });
}

EFFECTS_OVER_BOTH_NETWORKS("a peer that closes in mid-handshake is an error that names the URL, and the client goes on",
                           "[http][https][faults]") {
    no_handshake([](net::stream&) {});   // before a byte
    no_handshake([](net::stream& peer) { // with the hello half read
        std::byte some[10];
        peer.read_exactly(some);
    });
    no_handshake([](net::stream& peer) { // in the midst of its own hello
        std::byte some[1000];
        peer.read_some(some);
        peer.write(std::string_view("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", 11));
        peer.shutdown_write();
        peer.read_all();
    });
}

EFFECTS_OVER_BOTH_NETWORKS("an https server outlives peers that speak no TLS, go in mid-handshake or refuse it",
                           "[http][https][server][faults]") {
    std::vector<std::string> faults;
    auto options = with(ca().issue());
    options.on_fault = [&](net::endpoint const& peer, effects::error const& e) {
        faults.emplace_back(e.what());
        CHECK(peer.host == "127.0.0.1");
    };
    beside(
        echoes(),
        [](std::string const& where) {
            auto const at = endpoint_of(where);
            auto plain = failure_of([&] { http::client{}(http::get("http://" + at.text() + "/hello")); });
            CHECK(plain.what != "no exception");
            { perform(net::connect(at)).write("\x16\x03\x01"); }
            {
                auto half = perform(net::connect(at));
                half.write(std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
                half.shutdown_write();
                half.read_all();
            }
            CHECK(failure_of([&] { http::client{}(http::get(where + "/hello")); }).code ==
                  net::errc::certificate_not_trusted);
            CHECK(trusting()(http::get(where + "/hello")).text() == "hello");
        },
        options);
    CAPTURE(faults);
    CHECK(faults.size() == 4);
}

EFFECTS_OVER_BOTH_NETWORKS("a peer that stays silent in its handshake does not hold up a shutdown",
                           "[http][https][server][shutdown]") {
    auto begun = async::now();
    net::stream silent;
    beside(
        echoes(),
        [&](std::string const& where) {
            silent = perform(net::connect(endpoint_of(where)));
            CHECK(trusting()(http::get(where + "/hello")).text() == "hello");
            begun = async::now();
        },
        with(ca().issue()));
    CHECK(async::now() - begun < 5s); // not the 10 s of grace that requests have
}

EFFECTS_OVER_BOTH_NETWORKS("a client that closes a kept TLS connection between requests is no fault of the server's",
                           "[http][https][server]") {
    std::vector<std::string> faults;
    auto options = with(ca().issue());
    options.on_fault = [&](net::endpoint const&, effects::error const& e) { faults.emplace_back(e.what()); };
    beside(
        echoes(),
        [](std::string const& where) {
            for (int i = 0; i < 5; ++i) {
                auto client = trusting();
                CHECK(client(http::get(where + "/hello")).text() == "hello");
                CHECK(client.idle_connections() == 1);
            }
        },
        options);
    CHECK(faults.empty());
}

EFFECTS_OVER_BOTH_NETWORKS("a handshake that takes too long is a fault that says so",
                           "[http][https][server][timeout]") {
    std::vector<std::string> faults;
    auto options = with(ca().issue());
    options.read_timeout = 30ms;
    options.on_fault = [&](net::endpoint const&, effects::error const& e) { faults.emplace_back(e.what()); };
    beside(
        echoes(),
        [](std::string const& where) {
            auto silent = perform(net::connect(endpoint_of(where)));
            CHECK(silent.read_all().empty());
        },
        options);
    REQUIRE(faults.size() == 1);
    CHECK_THAT(faults[0], Catch::StartsWith("the TLS handshake: ") && Catch::Contains("limit 30 ms"));
}

EFFECTS_OVER_BOTH_NETWORKS("a body without a length that TLS does not end is an error, not a shorter body",
                           "[http][https][faults]") {
    for (bool const ended : {true, false}) {
        net::tls::server_context const context(*with(ca().issue()).tls);
        auto door = perform(net::listen({"127.0.0.1", 0}));
        auto const where = "https://" + door.local().text();
        auto client = trusting();
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                auto peer = net::tls::accept(door.accept(), context);
                read_raw_request(peer);
                peer.write("HTTP/1.1 200 OK\r\n\r\nall of it, perhaps");
                if (ended) peer.shutdown_write();
            });
            std::string text;
            auto e = failure_of([&] { text = client(http::get(where + "/")).text(); });
            if (ended) {
                CHECK(text == "all of it, perhaps");
            } else {
                CHECK(e.code == net::errc::end_of_stream);
                CHECK_THAT(e.what, Catch::StartsWith("while GET " + where + "/: ") && Catch::Contains("cut off"));
            }
        });
        CHECK(client.idle_connections() == 0);
    }
}
