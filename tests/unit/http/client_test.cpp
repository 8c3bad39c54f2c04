// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <effects/async/timeout.hpp>

#include "deflated.hpp"
#include "far_end.hpp"

namespace http = effects::http;
namespace sim = effects::sim;
using effects::perform;
using namespace std::chrono_literals;

namespace {

std::string const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::string text(std::string const& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

http::response get(std::string const& path = "/") { return perform(http::get("http://server" + path)); }

sim::options byte_by_byte() {
    sim::options how;
    how.network.max_read = 1;
    return how;
}

} // namespace

TEST_CASE("the client sends a request and gives the response", "[http][client]") {
    far_end server({{"HTTP/1.1 201 Made It\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 7\r\n\r\n{\"a\":1}"}});

    against(server, [] {
        auto r = perform(http::post("http://server/a?b=%20#frag").json({{"cents", 900}}));

        CHECK(r.status == 201);
        CHECK(r.reason == "Made It");
        CHECK(r.headers.all("X-A") == std::vector<std::string>{"1", "2"});
        CHECK(r.json() == nlohmann::json{{"a", 1}});
        CHECK(r.url == "http://server/a?b=%20");
        CHECK(r.history.empty());
    });

    REQUIRE(server.requests.size() == 1);
    CHECK_THAT(server.requests[0], Catch::StartsWith("POST /a?b=%20 HTTP/1.1\r\nHost: server\r\n") &&
                                       Catch::Contains("Content-Type: application/json\r\n") &&
                                       Catch::Contains("User-Agent: effects/") &&
                                       Catch::EndsWith("\r\n\r\n{\"cents\":900}"));
}

TEST_CASE("a chunked body is put together, its extensions and trailers left out", "[http][client]") {
    far_end server({{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5;ext=\"x\"\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n",
                     hello}});

    against(server, [] {
        auto r = get();
        CHECK(r.text() == "hello world");
        CHECK_FALSE(r.header("X-Trailer"));
        CHECK(get().text() == "hello");
    });

    CHECK(server.accepted == 1);
}

TEST_CASE("a body without a length ends with the connection", "[http][client]") {
    far_end server({{"HTTP/1.1 200 OK\r\n\r\nall of it"}, {hello}});

    against(server, [] {
        CHECK(get().text() == "all of it");
        CHECK(get().text() == "hello");
    });

    CHECK(server.accepted == 2);
}

TEST_CASE("responses that have no body leave the connection in order", "[http][client]") {
    far_end server({{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n",
                     "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", hello}});

    against(server, [] {
        auto head = perform(http::head("http://server/"));
        CHECK(head.body.empty());
        CHECK(head.header("Content-Length") == "1000");
        CHECK(get().status == 204);
        CHECK(get().status == 304);
        CHECK(get().text() == "hello");
    });

    CHECK(server.accepted == 1);
}

TEST_CASE("interim responses are passed over", "[http][client]") {
    far_end server({{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + hello, hello}});

    against(server, [] {
        auto r = get();
        CHECK(r.status == 200);
        CHECK_FALSE(r.header("Link"));
        CHECK(r.text() == "hello");
        CHECK(get().text() == "hello");
    });

    CHECK(server.accepted == 1);
}

TEST_CASE("responses that arrive byte by byte are the same responses", "[http][client]") {
    far_end server(
        {{hello, "HTTP/1.1 100 Continue\r\n\r\n" + hello,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
          "HTTP/1.1 204 No Content\r\n\r\n", text(std::string(3000, 'x')), "HTTP/1.1 200 OK\r\n\r\nto the end"}});

    against(
        server,
        [] {
            CHECK(get().text() == "hello");
            CHECK(get().text() == "hello");
            CHECK(get().text() == "abc");
            CHECK(get().status == 204);
            CHECK(get().text().size() == 3000);
            CHECK(get().text() == "to the end");
        },
        {}, byte_by_byte());

    CHECK(server.accepted == 1);
}

TEST_CASE("compressed bodies are decoded, and only what was asked for", "[http][client]") {
    auto packed = [](std::string const& encoding, std::string const& body) {
        return "HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    };
    auto gzipped = deflated("hello, hello, hello", deflate_format::gzip);
    far_end server(
        {{packed("gzip", gzipped), packed("deflate", deflated("zlib", deflate_format::zlib)), packed("br", "??"),
          packed("gzip", gzipped), "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n"}});

    against(server, [&] {
        auto r = get();
        CHECK(r.text() == "hello, hello, hello");
        CHECK_FALSE(r.header("Content-Encoding"));
        CHECK(get().text() == "zlib");
        CHECK(get().header("Content-Encoding") == "br");
        auto raw = perform(http::get("http://server/").header("Accept-Encoding", "gzip"));
        CHECK(raw.text() == gzipped);
        CHECK(raw.header("Content-Encoding") == "gzip");
        CHECK(perform(http::head("http://server/")).header("Content-Length") == "7");
    });

    CHECK_THAT(server.requests[0], Catch::Contains("Accept-Encoding: gzip, deflate\r\n"));
}

TEST_CASE("raise_for_status of a real response names its URL", "[http][client]") {
    far_end server({{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"}});

    against(server, [] {
        try {
            get("/x").raise_for_status();
            FAIL("no exception");
        } catch (http::status_error const& e) {
            CHECK(std::string(e.what()) == "http://server/x answered 503 Service Unavailable");
            CHECK(e.body() == "busy");
        }
    });
}

TEST_CASE("large bodies go both ways", "[http][client]") {
    std::string const big(3'000'000, 'b');
    far_end server({{text(big), hello}});

    against(server, [&] {
        CHECK(perform(http::put("http://server/").body(big)).text() == big);
        CHECK(get().text() == "hello");
    });

    CHECK(server.requests[0].size() > big.size());
    CHECK(server.accepted == 1);
}

TEST_CASE("a client refuses options that cannot work", "[http][client]") {
    CHECK_THROWS_AS(http::client{{.base_url = "/relative"}}, std::invalid_argument);
    CHECK_THROWS_AS(http::client{{.timeout = 0s}}, std::invalid_argument);
    CHECK_THROWS_AS(http::client{{.max_redirects = -1}}, std::invalid_argument);
    CHECK_THROWS_AS((http::client{{.headers = {{"Bad\r\nName", "x"}}}}), std::invalid_argument);
    CHECK_NOTHROW(http::client{
        {.base_url = "https://api.example/v1/", .headers = {{"Authorization", "Bearer t"}}, .timeout = std::nullopt}});
}
