// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/async/cancelled.hpp>
#include <effects/async/event.hpp>
#include <effects/async/timeout.hpp>
#include <effects/http/client.hpp>
#include <effects/http/error.hpp>
#include <effects/net/listen.hpp>
#include <effects/os/clock.hpp>
#include <effects/sim/network.hpp>

#include "far_end.hpp"
#include "sample_server.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
namespace sim = effects::sim;
using effects::perform;
using namespace std::chrono_literals;

TEST_CASE("a server answers by its routes, in JSON, under the handlers around it", "[http][server]") {
    beside_server([] {
        http::client c;
        auto r = c(http::post("http://server/orders").json({{"sku", "A1"}}));

        CHECK(r.status == 201);
        CHECK(r.json() == nlohmann::json{{"id", 1}, {"sku", "A1"}});
        CHECK(c(http::get("http://server/echo/a%20b")).text() == "a b");
        CHECK(c(http::get("http://server/none")).status == 204);
        CHECK(c(http::get("http://server/nope")).status == 404);
        CHECK(c(http::del("http://server/hello")).header("Allow") == "GET, HEAD");
        CHECK(c(http::post("http://server/orders").body("{")).status == 400);
        CHECK(c.idle_connections() == 1);
    });
}

TEST_CASE("a response is framed as HTTP/1.1 has it", "[http][server]") {
    beside_server([] {
        CHECK_THAT(raw("GET /hello HTTP/1.1\r\n" + last),
                   Catch::StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n") &&
                       Catch::Contains("Content-Length: 5\r\n") && Catch::Contains("Connection: close\r\n") &&
                       Catch::EndsWith("\r\n\r\nhello"));
        CHECK_THAT(raw("GET /none HTTP/1.1\r\n" + last), !Catch::Contains("Content-Length"));
    });
}

TEST_CASE("a response has the date of the world's calendar, or the handler's own", "[http][server]") {
    http::router r;
    r.get("/a", [] { return http::ok_text("a"); });
    r.get("/own", [] { return http::ok_text("a").with_header("Date", "today"); });
    effects::os::manual_clock clock{std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 37s};
    sim::run(
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn([&] { http::serve("server:80", r); });
                CHECK_THAT(raw("GET /a HTTP/1.1\r\n" + last),
                           Catch::Contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
                CHECK_THAT(raw("GET /own HTTP/1.1\r\n" + last),
                           Catch::Contains("\r\nDate: today\r\n") && !Catch::Contains("GMT"));
                g.cancel();
            });
        },
        clock);
}

TEST_CASE("HEAD gets the header section of GET", "[http][server]") {
    beside_server([] {
        CHECK_THAT(raw("HEAD /hello HTTP/1.1\r\n" + last),
                   Catch::Contains("Content-Length: 5\r\n") && Catch::EndsWith("\r\n\r\n"));
        CHECK_THAT(raw("HEAD /nope HTTP/1.1\r\n" + last),
                   Catch::StartsWith("HTTP/1.1 404") && Catch::EndsWith("\r\n\r\n"));
    });
}

TEST_CASE("requests sent ahead are answered in order", "[http][server]") {
    beside_server([] {
        auto answers = raw("GET /echo/1 HTTP/1.1\r\nHost: s\r\n\r\n"
                           "POST /echo HTTP/1.1\r\nHost: s\r\nContent-Length: 3\r\n\r\ntwo\r\n"
                           "GET /echo/3 HTTP/1.1\r\n" +
                           last);

        auto one = answers.find("\r\n\r\n1HTTP/1.1 200");
        auto two = answers.find("\r\n\r\ntwoHTTP/1.1 200");
        CHECK(one < two);
        CHECK(two != std::string::npos);
        CHECK_THAT(answers, Catch::EndsWith("\r\n\r\n3"));
    });
}

TEST_CASE("requests that arrive byte by byte are the same requests", "[http][server]") {
    sim::options how;
    how.network.max_read = 1;
    beside_server(
        [] {
            CHECK_THAT(raw("POST /echo HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n\r\n"
                           "GET /hello HTTP/1.1\r\n" +
                           last),
                       Catch::Contains("\r\n\r\nabcdeHTTP/1.1 200 OK") && Catch::EndsWith("hello"));
        },
        {}, how);
}

TEST_CASE("HTTP/1.0 ends after one response unless it asks to go on", "[http][server]") {
    beside_server([] {
        CHECK_THAT(raw("GET /hello HTTP/1.0\r\n\r\n"), Catch::EndsWith("hello"));
        CHECK_THAT(raw("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /hello HTTP/1.0\r\n\r\n"),
                   Catch::Contains("Connection: keep-alive\r\n\r\nhelloHTTP/1.1 200") && Catch::EndsWith("hello"));
    });
}

TEST_CASE("a client that waits for 100 Continue gets it, or an answer", "[http][server]") {
    beside_server([] {
        auto peer = dial();
        peer.write("POST /echo HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n" + last);
        CHECK(peer.read_until("\r\n\r\n", 1000) == "HTTP/1.1 100 Continue\r\n\r\n");
        peer.write("body");
        CHECK_THAT(peer.read_all(), Catch::StartsWith("HTTP/1.1 200 OK") && Catch::EndsWith("body"));

        auto const head = std::string("POST /echo HTTP/1.1\r\nContent-Length: 99999999\r\n");
        CHECK_THAT(raw(head + "Expect: 100-continue\r\n" + last), Catch::StartsWith("HTTP/1.1 413 "));
        CHECK_THAT(raw("POST /echo HTTP/1.1\r\nContent-Length: 4\r\nExpect: magic\r\n" + last),
                   Catch::StartsWith("HTTP/1.1 417 "));
    });
}

TEST_CASE("a reason or a header of a handler cannot break the framing", "[http][server]") {
    http::router r;
    r.get("/", [] {
        http::response x{.status = 200, .reason = "OK\r\nX-Evil: 1", .body = "body"};
        x.headers.set("Content-Length", "9999");
        x.headers.set("Transfer-Encoding", "chunked");
        return x;
    });
    r.get("/status", [] { return http::respond(7); });
    sim::run([&] {
        async::task_group([&](async::group& g) {
            g.spawn([&] { http::serve("server:80", r); });
            auto answer = raw("GET / HTTP/1.1\r\n" + last);
            CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 200 OK  X-Evil: 1\r\n") &&
                                   Catch::Contains("Content-Length: 4\r\n") && !Catch::Contains("9999") &&
                                   !Catch::Contains("chunked"));
            CHECK_THAT(raw("GET /status HTTP/1.1\r\n" + last), Catch::StartsWith("HTTP/1.1 500 "));
            g.cancel();
        });
    });
}

TEST_CASE("a server tells where it listens, and an address in use is an error that names it", "[http][server]") {
    sim::run([] {
        async::task_group([](async::group& g) {
            net::endpoint at;
            http::server_options o;
            o.on_listening = [&](net::endpoint const& where) { at = where; };
            g.spawn([o] { http::serve("server:0", sample(), o); });
            CHECK(at.host == "server");
            CHECK(at.port != 0);
            http::client c;
            CHECK(c(http::get("http://" + at.text() + "/hello")).text() == "hello");

            auto e = failure_of([&] { http::serve(at.text(), sample()); });
            CHECK(e.code == std::errc::address_in_use);
            CHECK_THROWS_AS(http::serve("nonsense", sample()), std::invalid_argument);
            g.cancel();
        });
    });
}

TEST_CASE("many clients at once get each its own answer", "[http][server]") {
    sim::options how;
    how.network.latency_max = 20ms;
    how.network.max_read = 100;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        how.seed = seed;
        beside_server(
            [] {
                http::client c{{.max_connections_per_host = 8}};
                async::task_group([&](async::group& g) {
                    for (int i = 0; i < 50; ++i)
                        g.spawn([&c, i] {
                            auto r =
                                c(http::post("http://server/echo").body(std::string(500, 'a') + std::to_string(i)));
                            CHECK(r.text() == std::string(500, 'a') + std::to_string(i));
                        });
                });
                CHECK(c.idle_connections() <= 8);
            },
            {}, how);
    }
}
