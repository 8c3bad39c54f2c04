// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/async/cancelled.hpp>
#include <effects/async/event.hpp>
#include <effects/async/timeout.hpp>
#include <effects/http/client.hpp>
#include <effects/http/error.hpp>
#include <effects/net/listen.hpp>
#include <effects/sim/network.hpp>

#include "far_end.hpp"
#include "sample_server.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
namespace sim = effects::sim;
using effects::perform;
using namespace std::chrono_literals;

TEST_CASE("a malformed request is answered with 400, and the connection closed", "[http][server][faults]") {
    std::vector<std::string> const malformed{
        "garbage\r\n\r\n",
        "GET /hello HTTP/9.9\r\nHost: s\r\n\r\n",
        "GET /he llo HTTP/1.1\r\nHost: s\r\n\r\n",
        "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "GET /%zz HTTP/1.1\r\n" + last,
        "GET /hello HTTP/1.1\r\nHost: a b/c\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a/hello\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a:8x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: [::1\r\n\r\n",
        "GET hello HTTP/1.1\r\n" + last,
        "GET x/http://a/hello HTTP/1.1\r\n" + last,
        "GET ?u=http://a/hello HTTP/1.1\r\n" + last,
        "GET 1://a/hello HTTP/1.1\r\n" + last,
        "GET * HTTP/1.1\r\n" + last,
    };
    for (auto const& bytes : malformed) {
        CAPTURE(bytes);
        beside_server([&] {
            auto answer = raw(bytes + "GET /hello HTTP/1.1\r\nHost: s\r\n\r\n");
            CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 400 Bad Request\r\n") &&
                                   Catch::Contains("Connection: close\r\n") && !Catch::Contains("hello"));
            CHECK_THAT(raw("GET /hello HTTP/1.1\r\n" + last), Catch::EndsWith("hello"));
        });
    }
}

TEST_CASE("requests that are too large are answered with 431 and 413", "[http][server][limits][faults]") {
    std::string many = "GET /hello HTTP/1.1\r\nHost: s\r\n";
    for (int i = 0; i < 5000; ++i) many += "X-" + std::to_string(i) + ": " + std::string(200, 'v') + "\r\n";
    auto const head = std::string("POST /echo HTTP/1.1\r\nHost: s\r\n");

    beside_server([&] {
        CHECK_THAT(raw("GET /hello HTTP/1.1\r\nHost: s\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n"),
                   Catch::StartsWith("HTTP/1.1 431 "));
        CHECK_THAT(raw("GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\n" + last),
                   Catch::StartsWith("HTTP/1.1 431 "));
        CHECK_THAT(raw(many + "\r\n"), Catch::StartsWith("HTTP/1.1 431 "));
        CHECK_THAT(raw(head + "Content-Length: 2147483648\r\n\r\nabc"), Catch::StartsWith("HTTP/1.1 413 "));
        CHECK_THAT(raw(head + "Transfer-Encoding: chunked\r\n\r\n80000000\r\nabc"), Catch::StartsWith("HTTP/1.1 413 "));
        CHECK_THAT(raw(head + "Content-Length: 1048577\r\n\r\n" + std::string(1048577, 'x')),
                   Catch::StartsWith("HTTP/1.1 413 "));
        CHECK_THAT(raw(head + "Content-Length: 1048576\r\nConnection: close\r\n\r\n" + std::string(1048576, 'x')),
                   Catch::StartsWith("HTTP/1.1 200 "));
    });
}

TEST_CASE("a request that takes too long is answered with 408", "[http][server][timeout]") {
    beside_server([] {
        auto begun = async::now();
        CHECK_THAT(raw("POST /echo HTTP/1.1\r\nHost: s\r\nContent-Length: 10\r\n\r\nabc"),
                   Catch::StartsWith("HTTP/1.1 408 "));
        CHECK(async::now() - begun >= 30s);
        CHECK(async::now() - begun <= 33s);
        CHECK_THAT(raw("GET /hel"), Catch::StartsWith("HTTP/1.1 408 "));
    });
}

TEST_CASE("an idle connection is closed without a word", "[http][server][timeout]") {
    beside_server([] {
        auto begun = async::now();
        CHECK(raw("").empty()); // not even a first request
        CHECK(async::now() - begun == 30s);
        CHECK_THAT(raw("GET /hello HTTP/1.1\r\nHost: s\r\n\r\n"), Catch::EndsWith("hello"));
        CHECK(async::now() - begun == 105s);
    });
}

TEST_CASE("a client that reads nothing does not hold its connection for ever", "[http][server][timeout]") {
    http::server_options o;
    int faults = 0;
    o.on_fault = [&](net::endpoint const&, effects::error const&) { ++faults; };
    sim::options how;
    how.network.window = 1000;
    beside_server(
        [] {
            auto peer = dial();
            peer.write("GET /big HTTP/1.1\r\nHost: s\r\n\r\n");
            async::sleep_for(31s);
            std::string room(900'000, ' ');
            CHECK_THROWS_AS(peer.read_exactly(std::as_writable_bytes(std::span(room))), net::error);
        },
        o, how);
}

TEST_CASE("a handler that throws costs its client a 500, and nobody else anything", "[http][server][faults]") {
    beside_server([] {
        http::client c;
        for (std::string const path : {"/bug", "/error"}) {
            auto r = c(http::get("http://server" + path));
            CHECK(r.status == 500);
            CHECK_THAT(r.body, !Catch::Contains("s3cret"));
        }
        CHECK(c(http::get("http://server/hello")).text() == "hello");
        CHECK(c.idle_connections() == 1);
    });
}

TEST_CASE("clients that vanish do the server no harm", "[http][server][faults]") {
    std::vector<std::error_code> faults;
    http::server_options o;
    o.on_fault = [&](net::endpoint const&, effects::error const& e) { faults.push_back(e.code()); };
    beside_server(
        [] {
            { auto gone = dial(); }
            {
                auto gone = dial();
                gone.write("POST /echo HTTP/1.1\r\nHost: s\r\nContent-Length: 10\r\n\r\nabc");
            }
            {
                auto gone = dial();
                gone.write("GET /big HTTP/1.1\r\nHost: s\r\n\r\n");
            }
            auto reset = dial();
            reset.write("GET /slow/1 HTTP/1.1\r\nHost: s\r\n\r\n");
            async::sleep_for(100ms);
            sim::network::current().reset_connections("server");
            async::sleep_for(2s);
            CHECK_THAT(raw("GET /hello HTTP/1.1\r\n" + last), Catch::EndsWith("hello"));
        },
        o);
    CHECK(std::count(faults.begin(), faults.end(), http::errc::body_truncated) == 1);
}

TEST_CASE("more connections than allowed wait until one ends", "[http][server][limits]") {
    http::server_options o;
    o.max_connections = 2;
    beside_server(
        [] {
            auto begun = async::now();
            async::task_group([](async::group& g) {
                for (int i = 0; i < 4; ++i)
                    g.spawn([] { CHECK_THAT(raw("GET /slow/1 HTTP/1.1\r\n" + last), Catch::EndsWith("slow")); });
            });
            CHECK(async::now() - begun == 2s);
        },
        o);
}

TEST_CASE("a server without keep-alive answers one request a connection", "[http][server]") {
    http::server_options o;
    o.keep_alive = 0s;
    beside_server(
        [] {
            auto answer = raw("GET /hello HTTP/1.1\r\nHost: s\r\n\r\nGET /none HTTP/1.1\r\nHost: s\r\n\r\n");
            CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 200 ") && Catch::Contains("Connection: close\r\n") &&
                                   Catch::EndsWith("hello"));
            http::client c;
            for (int i = 0; i < 2; ++i) CHECK(c(http::get("http://server/hello")).text() == "hello");
            CHECK(c.idle_connections() == 0);
        },
        o);
}

TEST_CASE("requests behind one that closes the connection don't make a reset of its answer", "[http][server]") {
    beside_server([] {
        auto peer = dial();
        peer.write("GET /hello HTTP/1.1\r\n" + last + "GET /hello HTTP/1.1\r\n");
        CHECK_THAT(peer.read_all(), Catch::EndsWith("hello"));
        peer.write(last); // the server still reads, so nothing comes back
        CHECK(peer.read_all().empty());
    });
}

TEST_CASE("a handler that lets out a cancellation from elsewhere does not end the server", "[http][server][faults]") {
    int seen = 0;
    http::router routes;
    routes.get("/stray", []() -> http::response { throw async::cancelled(async::reason::requested); });
    routes.get("/hello", [] { return http::ok_text("hello"); });
    routes.on_error([&](http::incoming const&, std::exception_ptr) { ++seen; });
    sim::run([&] {
        async::task_group([&](async::group& g) {
            g.spawn([&] { http::serve("server:80", routes); });
            http::client c;
            CHECK(c(http::get("http://server/stray")).status == 500);
            CHECK(c(http::get("http://server/hello")).text() == "hello");
            g.cancel();
        });
    });
    CHECK(seen == 1);
}
