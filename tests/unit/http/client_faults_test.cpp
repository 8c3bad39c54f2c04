// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <effects/async/cancelled.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>
#include <effects/http/error.hpp>
#include <effects/sim/network.hpp>

#include "deflated.hpp"
#include "far_end.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
namespace sim = effects::sim;
using effects::perform;
using namespace std::chrono_literals;

namespace {

std::string const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::string text(std::string const& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

http::response get(std::string const& path = "/") { return perform(http::get("http://server" + path)); }

} // namespace

TEST_CASE("malformed responses are errors that name the request, and the client goes on", "[http][client][faults]") {
    std::vector<std::string> const malformed{
        "garbage\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 xyz OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: a\x01 b\r\n\r\n",
        "\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: 1",
    };
    for (auto const& bytes : malformed) {
        CAPTURE(bytes);
        far_end server({{bytes}, {hello}});
        against(server, [] {
            auto e = failure_of([] { get("/a?token=s3cret"); });
            CHECK(e.code == http::errc::malformed_message);
            CHECK_THAT(e.what, Catch::StartsWith("while GET http://server/a?token=***: "));
            CHECK(get().text() == "hello");
        });
        CHECK(server.accepted == 2);
    }
}

TEST_CASE("interim responses without end are an error", "[http][client][faults][limits]") {
    std::string many;
    for (int i = 0; i < 100; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
    far_end server({{many + hello}});

    against(server, [] { CHECK(failure_of([] { get(); }).code == http::errc::malformed_message); });
}

TEST_CASE("a header section of a megabyte is refused, in one field or in many", "[http][client][faults][limits]") {
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 20'000; ++i) many += "X-Field-" + std::to_string(i) + ": " + std::string(40, 'v') + "\r\n";
    for (auto const& bytes : {"HTTP/1.1 200 OK\r\nX-Big: " + std::string(1 << 20, 'v') + "\r\n\r\n", many + "\r\n",
                              "HTTP/1.1 200 " + std::string(1 << 20, 'r') + "\r\n\r\n"}) {
        for (std::size_t step : {std::size_t{0}, std::size_t{1000}}) {
            far_end server({{bytes}, {hello}});
            sim::options how;
            how.network.max_read = step;
            against(
                server,
                [] {
                    auto e = failure_of([] { get(); });
                    CHECK(e.code == http::errc::header_too_large);
                    CHECK_THAT(e.what, Catch::Contains("65536"));
                    CHECK(get().text() == "hello");
                },
                {}, how);
        }
    }
}

TEST_CASE("a content-length of 2 GB is refused before a byte of the body is read", "[http][client][faults][limits]") {
    far_end server({{"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\nabc"}, {hello}});
    server.hold = true;

    against(server, [] {
        auto e = failure_of([] { get(); });
        CHECK(e.code == http::errc::body_too_large);
        CHECK_THAT(e.what, Catch::Contains("2147483648") && Catch::Contains("67108864"));
        CHECK(get().text() == "hello");
    });
}

TEST_CASE("a body may be as large as the limit and no larger, however it is framed", "[http][client][limits]") {
    auto chunked = [](std::size_t n) {
        std::string s = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (std::size_t i = 0; i < n; ++i) s += "1\r\nx\r\n";
        return s + "0\r\n\r\n";
    };
    http::client_options o;
    o.max_body_bytes = 100;
    far_end server({{text(std::string(100, 'x')), chunked(100), text(std::string(101, 'x'))},
                    {chunked(101)},
                    {"HTTP/1.1 200 OK\r\n\r\n" + std::string(100, 'x')},
                    {"HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x')}});

    against(
        server,
        [] {
            CHECK(get().text().size() == 100);
            CHECK(get().text().size() == 100);
            CHECK(failure_of([] { get(); }).code == http::errc::body_too_large);
            CHECK(failure_of([] { get(); }).code == http::errc::body_too_large);
            CHECK(get().text().size() == 100);
            CHECK(failure_of([] { get(); }).code == http::errc::body_too_large);
        },
        o);
}

TEST_CASE("a body shorter than promised is an error that says how much came", "[http][client][faults]") {
    far_end server({{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
                    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
                    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"},
                    {hello}});

    against(server, [] {
        auto e = failure_of([] { get(); });
        CHECK(e.code == http::errc::body_truncated);
        CHECK_THAT(e.what, Catch::Contains("5 bytes came of 10"));
        CHECK(failure_of([] { get(); }).code == http::errc::body_truncated);
        CHECK(failure_of([] { get(); }).code == http::errc::body_truncated);
        CHECK(get().text() == "hello");
    });
}

TEST_CASE("a server that hangs up without a word is an error, and nothing is sent twice", "[http][client][faults]") {
    far_end server({{""}, {""}});

    against(server, [] {
        CHECK(failure_of([] { get(); }).code == http::errc::no_response);
        CHECK(failure_of([] { perform(http::post("http://server/").body("x")); }).code == http::errc::no_response);
    });

    CHECK(server.requests.size() == 2);
}

TEST_CASE("a reset in the middle of a response is an error that names the request", "[http][client][faults]") {
    far_end server({{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"}, {hello}});
    server.hold = true;

    against(server, [] {
        async::task_group([](async::group& g) {
            g.spawn([] {
                async::sleep_for(1s);
                sim::network::current().reset_connections("server");
            });
            auto e = failure_of([] { get(); });
            CHECK(e.code == std::errc::connection_reset);
            CHECK_THAT(e.what, Catch::StartsWith("while GET http://server/: "));
        });
        CHECK(get().text() == "hello");
    });
}

TEST_CASE("a refused connection and an unknown host are errors that name the request", "[http][client][faults]") {
    far_end server({});

    against(server, [] {
        auto refused = failure_of([] { perform(http::get("http://server:81/")); });
        CHECK(refused.code == std::errc::connection_refused);
        CHECK_THAT(refused.what, Catch::StartsWith("while GET http://server:81/: "));
        CHECK(failure_of([] { perform(http::get("http://nowhere/")); }).code == net::errc::host_not_found);
        CHECK(failure_of([] { perform(http::get("ftp://server/")); }).code == http::errc::unsupported_scheme);
        CHECK_THROWS_AS(perform(http::get("/relative")), std::invalid_argument);
    });
}

TEST_CASE("a compressed body is bounded by what it unpacks to", "[http][client][limits][faults]") {
    auto bomb = deflated(std::string(10'000'000, 'x'), deflate_format::gzip);
    far_end server({{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(bomb.size()) +
                     "\r\n\r\n" + bomb},
                    {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"}});
    http::client_options o;
    o.max_body_bytes = 1'000'000;

    against(
        server,
        [] {
            CHECK(failure_of([] { get(); }).code == http::errc::body_too_large);
            CHECK(failure_of([] { get(); }).code == http::errc::bad_encoding);
        },
        o);
}

TEST_CASE("the timeout bounds the whole exchange, and the connection is not used again", "[http][client][timeout]") {
    far_end server({{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"}, {hello}});
    server.hold = true;

    against(server, [](http::client& c) {
        auto begun = async::now();
        try {
            perform(http::get("http://server/slow").timeout(2s));
            FAIL("no exception");
        } catch (async::timed_out const& e) {
            CHECK(e.limit() == 2s);
            CHECK(e.elapsed() == 2s);
            CHECK(e.phase() == "reading the response's body");
            CHECK_THAT(e.what(), Catch::StartsWith("while GET http://server/slow: reading the response's body: "));
        }
        CHECK(async::now() - begun == 2s);
        CHECK(c.idle_connections() == 0);
        CHECK(get().text() == "hello");
    });

    CHECK(server.accepted == 2);
}

TEST_CASE("a request's timeout replaces the client's", "[http][client][timeout]") {
    far_end server({{""}, {""}});
    server.hold = true;
    http::client_options o;
    o.timeout = 5s;

    against(
        server,
        [] {
            auto begun = async::now();
            CHECK_THAT(failure_of([] { get(); }).what, Catch::Contains("waiting for the response"));
            CHECK(async::now() - begun == 5s);
            CHECK_THROWS_AS(perform(http::get("http://server/").timeout(1min)), async::timed_out);
            CHECK(async::now() - begun == 65s);
        },
        o);
}

TEST_CASE("a partitioned server is a timeout, not a hang", "[http][client][timeout][faults]") {
    far_end server({{hello}});

    against(server, [] {
        sim::network::current().partition("server");
        auto e = failure_of([] { perform(http::get("http://server/").timeout(3s)); });
        CHECK(e.code == std::errc::timed_out);
        CHECK_THAT(e.what, Catch::Contains("connecting"));
        sim::network::current().heal("server");
        CHECK(get().text() == "hello");
    });
}

TEST_CASE("a server that answers before it has read the request is heard", "[http][client][faults]") {
    // A body much larger than what fits on the way; the server refuses it after the header section and hangs up.
    sim::run([] {
        auto door = perform(net::listen({"server", 80}));
        http::client c;
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                auto peer = door.accept();
                peer.read_until("\r\n\r\n", 8192);
                peer.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                async::sleep_for(1s);
            });
            auto e = failure_of([&] {
                auto r = c(http::post("http://server/").body(std::string(5'000'000, 'x')));
                CHECK(r.status == 413);
            });
            CHECK((e.what == "no exception" || e.code == std::errc::connection_reset));
        });
    });
}

TEST_CASE("malformed JSON in a response is an error that names where it came from", "[http][client][json][faults]") {
    far_end server({{text("{\"a\": nope}")}});

    against(server, [] {
        auto e = failure_of([] { get("/rates").json(); });
        CHECK(e.code == http::errc::bad_json);
        CHECK_THAT(e.what, Catch::Contains("http://server/rates") && Catch::Contains("nope"));
    });
}
