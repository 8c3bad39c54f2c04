// SPDX-License-Identifier: BSL-1.0
// Everything that a network, a peer or a body can do to an HTTP exchange: an error, or a response, that says what happened and
// where, tells no secret, and leaves the client and the server in order.
#include <effects/async/timeout.hpp>
#include <effects/net/error.hpp>

#include "service.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
using effects::perform;
using namespace std::chrono_literals;

namespace {

std::string const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A request that carries a secret wherever one can be.
http::request secretive(std::string where) {
    return http::post(where.insert(where.find("//") + 2, "user:s3cret@") + "/path?page=2&token=s3cret")
        .header("Cookie", "sid=s3cret")
        .header("X-Api-Key", "s3cret")
        .body("pin=s3cret");
}

/// How messages name it.
std::string shown(std::string where) {
    return "while POST " + where.insert(where.find("//") + 2, "***@") + "/path?page=2&token=***: ";
}

/// A client that a single connection that is not given back would stop.
http::client one_at_a_time(std::size_t connections = 1) {
    return http::client{{.timeout = 20s, .max_connections_per_host = connections}};
}

/// Performs the request; the failure names it and tells no secret.
caught failure_at(http::client& client, std::string const& where) {
    auto e = failure_of([&] { client(secretive(where)); });
    CHECK_THAT(e.what, Catch::StartsWith(shown(where)) && !Catch::Contains("s3cret"));
    CHECK(e.what.size() < 1000);
    CHECK(client.idle_connections() == 0);
    return e;
}

/// Each of these responses is an error of `code`, and the client goes on with the same host after each.
void each_fails(std::vector<std::string> const& responses, http::errc code, std::vector<std::string> const& words = {},
                bool hold = false) {
    for (auto const& bytes : responses) {
        CAPTURE(bytes.substr(0, 100));
        far_end server({{bytes}, {hello}});
        server.hold = hold;
        beside(server, [&](std::string const& where) {
            auto client = one_at_a_time();
            auto e = failure_at(client, where);
            CHECK(e.code == code);
            for (auto const& word : words) CHECK_THAT(e.what, Catch::Contains(word));
            CHECK(client(http::get(where)).text() == "hello");
        });
        CHECK(server.accepted == 2);
    }
}

http::router echoes() {
    http::router r;
    r.get("/hello", [] { return http::ok_text("hello"); });
    r.post("/qty", [](http::incoming const& in) { return http::ok({{"qty", in.json().at("qty")}}); });
    return r;
}

/// The server answers these bytes with that status, names what is wrong, and closes; then it answers others.
void refused_with(std::string const& status, std::string const& bytes, std::string const& words, http::errc fault) {
    std::vector<std::error_code> faults;
    http::server_options options;
    options.on_fault = [&](net::endpoint const&, effects::error const& e) {
        faults.push_back(e.code());
        CHECK_THAT(e.what(), !Catch::Contains("s3cret"));
    };
    beside(
        echoes(),
        [&](std::string const& where) {
            auto const answer = raw(where, bytes);
            CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 " + status) && Catch::Contains(words) &&
                                   Catch::Contains("Connection: close\r\n") && !Catch::Contains("s3cret"));
            CHECK(http::client{}(http::get(where + "/hello")).text() == "hello");
        },
        options);
    CHECK(faults == std::vector<std::error_code>{fault});
}

} // namespace

// ---- as a client ----

EFFECTS_OVER_BOTH_NETWORKS("a refused connection is an error that names the URL, and the client goes on",
                           "[http][client][faults]") {
    beside(echoes(), [](std::string const& where) {
        auto client = one_at_a_time();
        auto const closed = nobody();
        for (int i = 0; i < 3; ++i) {
            auto e = failure_at(client, "http://" + closed);
            CHECK(e.code == std::errc::connection_refused);
            CHECK_THAT(e.what, Catch::EndsWith(": while connecting to " + closed + ": connection refused"));
        }
        CHECK(client(http::get(where + "/hello")).text() == "hello");
    });
}

EFFECTS_OVER_BOTH_NETWORKS("a connection that is reset is an error that names the URL, and the client goes on",
                           "[http][client][faults]") {
    for (std::string const& begun : {std::string(), std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhe")}) {
        auto door = perform(net::listen({"127.0.0.1", 0}));
        auto const where = "http://" + door.local().text();
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                for (int i = 0; i < 2; ++i) {
                    auto peer = door.accept();
                    std::byte some[100];
                    peer.read_exactly(some);
                    if (!begun.empty()) peer.write(begun);
                } // closed with most of the request unread: a reset
                auto peer = door.accept();
                read_raw_request(peer);
                peer.write(hello);
            });
            auto client = one_at_a_time();
            for (int i = 0; i < 2; ++i) {
                auto e = failure_of([&] { client(secretive(where).body(std::string(1'000'000, 'x'))); });
                CHECK(e.code == std::errc::connection_reset);
                CHECK_THAT(e.what, Catch::StartsWith(shown(where)) &&
                                       Catch::Contains(where.substr(7) + ": connection reset by peer") &&
                                       !Catch::Contains("s3cret"));
            }
            CHECK(client(http::get(where)).text() == "hello");
        });
    }
}

EFFECTS_OVER_BOTH_NETWORKS("a malformed response is an error that names the URL, and the client goes on",
                           "[http][client][faults]") {
    each_fails({"garbage\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
                std::string("\x16\x03\x03\0\x04\0\0\0\0", 9) + std::string(100, '\0')},
               http::errc::malformed_message);
    each_fails({""}, http::errc::no_response, {"connection closed before a response"});
}

EFFECTS_OVER_BOTH_NETWORKS("a body shorter than promised is an error that says how much came of how much",
                           "[http][client][faults]") {
    each_fails({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"}, http::errc::body_truncated,
               {"5 bytes came of 10"});
    each_fails({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}, http::errc::body_truncated,
               {"5 bytes came"});
    each_fails({"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + std::string(2'999'999, 'x')},
               http::errc::body_truncated, {"2999999 bytes came of 3000000"});
}

EFFECTS_OVER_BOTH_NETWORKS("a response's header section of 1 MB is an error that says the limit",
                           "[http][client][faults][limits]") {
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 20'000; ++i) many += "X-Field-" + std::to_string(i) + ": " + std::string(40, 'v') + "\r\n";
    each_fails({"HTTP/1.1 200 OK\r\nX-Big: " + std::string(1 << 20, 'v') + "\r\n\r\n", many + "\r\n"},
               http::errc::header_too_large, {"65536 bytes"});
}

EFFECTS_OVER_BOTH_NETWORKS("a response's content-length of 2 GB is an error at once, that says how large and the limit",
                           "[http][client][faults][limits]") {
    for (char const* length : {"2147483648", "18446744073709551615"})
        each_fails({std::string("HTTP/1.1 200 OK\r\nContent-Length: ") + length + "\r\n\r\nabc"},
                   http::errc::body_too_large, {length, "67108864 bytes"}, true);
    each_fails({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n80000000\r\nabc"}, http::errc::body_too_large,
               {"67108864 bytes"}, true);
}

EFFECTS_OVER_BOTH_NETWORKS("a name that does not resolve is an error that names the URL and the host",
                           "[http][client][faults]") {
    beside(echoes(), [](std::string const& where) {
        auto client = one_at_a_time();
        for (int i = 0; i < 2; ++i) {
            auto e = failure_at(client, "http://does-not-exist.invalid");
            CHECK(e.code == net::errc::host_not_found);
            CHECK_THAT(e.what,
                       Catch::Contains(
                           ": while connecting to does-not-exist.invalid:80: host not found: does-not-exist.invalid"));
        }
        CHECK(client(http::get(where + "/hello")).text() == "hello");
    });
}

EFFECTS_OVER_BOTH_NETWORKS("a redirect loop is an error that says how many and where to, and the client goes on",
                           "[http][client][faults][redirect]") {
    int asked = 0;
    http::router routes = echoes();
    routes.get("/a", [&] { return ++asked, http::redirect("/b?token=s3cret"); });
    routes.get("/b", [&] { return ++asked, http::redirect("/a"); });
    routes.get("/self", [&] { return ++asked, http::redirect("/self", 308); });

    beside(routes, [&](std::string const& where) {
        auto client = one_at_a_time();
        auto e = failure_of([&] { client(http::get(where + "/a")); });
        CHECK(e.code == http::errc::too_many_redirects);
        CHECK_THAT(e.what, Catch::StartsWith("while GET " + where + "/a: ") && Catch::Contains("10 redirects") &&
                               Catch::Contains(where + "/b?token=***") && !Catch::Contains("s3cret"));
        CHECK(asked == 11);
        CHECK(failure_of([&] { client(http::get(where + "/self")); }).code == http::errc::too_many_redirects);
        CHECK(asked == 22);
        CHECK(client(http::get(where + "/hello")).text() == "hello");
        CHECK(client.idle_connections() == 1);
    });
}

EFFECTS_OVER_BOTH_NETWORKS(
    "malformed JSON in a response is an error that names the URL and the place, and the client goes on",
    "[http][client][faults][json]") {
    http::router routes = echoes();
    routes.post("/path", [] { return http::respond(200, R"({"rate": nope})", "application/json"); });

    beside(routes, [](std::string const& where) {
        auto client = one_at_a_time();
        auto const response = client(secretive(where));
        auto e = failure_of([&] { (void)response.json(); });
        CHECK(e.code == http::errc::bad_json);
        CHECK_THAT(e.what, Catch::StartsWith("while reading the 200 response from http://***@") &&
                               Catch::Contains("/path?page=2&token=***: ") && Catch::Contains("at byte 10 of 14") &&
                               !Catch::Contains("s3cret"));
        CHECK(client(http::get(where + "/hello")).text() == "hello");
        CHECK(client.idle_connections() == 1);
    });
}

// ---- as a server ----

EFFECTS_OVER_BOTH_NETWORKS("a malformed request is answered with 400, and the server goes on",
                           "[http][server][faults]") {
    refused_with("400 ", "garbage\r\nAuthorization: s3cret\r\n\r\n", "malformed request",
                 http::errc::malformed_message);
    refused_with("400 ", "GET / HTTP/1.1\r\nHost: a\r\nno colon s3cret\r\n\r\n", "malformed request",
                 http::errc::malformed_message);
}

EFFECTS_OVER_BOTH_NETWORKS("a request's body shorter than promised is a fault, and the server goes on",
                           "[http][server][faults]") {
    std::vector<std::string> faults;
    http::server_options options;
    options.on_fault = [&](net::endpoint const&, effects::error const& e) { faults.emplace_back(e.what()); };

    beside(
        echoes(),
        [&](std::string const& where) {
            auto peer = perform(net::connect(endpoint_of(where)));
            peer.write("POST /qty HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
            peer.shutdown_write();
            CHECK_THAT(peer.read_all(), Catch::StartsWith("HTTP/1.1 400 "));
            CHECK(http::client{}(http::get(where + "/hello")).text() == "hello");
        },
        options);

    REQUIRE(faults.size() == 1);
    CHECK_THAT(faults[0], Catch::Contains("5 bytes came of 10"));
}

EFFECTS_OVER_BOTH_NETWORKS("a request's header section of 1 MB is answered with 431, and the server goes on",
                           "[http][server][faults][limits]") {
    refused_with("431 ", "GET /hello HTTP/1.1\r\nHost: a\r\nX: s3cret" + std::string(1 << 20, 'x') + "\r\n\r\n",
                 "16384 bytes", http::errc::header_too_large);
}

EFFECTS_OVER_BOTH_NETWORKS("a request's content-length of 2 GB is answered with 413 at once, and the server goes on",
                           "[http][server][faults][limits]") {
    refused_with("413 ", "POST /qty HTTP/1.1\r\nHost: a\r\nContent-Length: 2147483648\r\n\r\nabc", "1048576 bytes",
                 http::errc::body_too_large);
    refused_with("413 ", "POST /qty HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80000000\r\nabc",
                 "1048576 bytes", http::errc::body_too_large);
}

EFFECTS_OVER_BOTH_NETWORKS("a client that resets its connection is a fault that names the peer, and the server goes on",
                           "[http][server][faults]") {
    std::vector<std::error_code> faults;
    http::server_options options;
    options.on_fault = [&](net::endpoint const&, effects::error const& e) {
        faults.push_back(e.code());
        CHECK_THAT(e.what(), Catch::Contains("127.0.0.1"));
    };
    http::router routes = echoes();
    routes.get("/big", [] { return http::ok_text(std::string(5'000'000, 'b')); });

    beside(
        routes,
        [&](std::string const& where) {
            {
                auto peer = perform(net::connect(endpoint_of(where)));
                peer.write("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
                std::byte some[1000];
                peer.read_exactly(some);
            } // the rest unread: a reset
            CHECK(http::client{}(http::get(where + "/hello")).text() == "hello");
        },
        options);

    REQUIRE(faults.size() == 1);
    CHECK((faults[0] == std::errc::connection_reset || faults[0] == std::errc::broken_pipe));
}

EFFECTS_OVER_BOTH_NETWORKS(
    "malformed JSON in a request is answered with 400 that says where, and the connection goes on",
    "[http][server][faults][json]") {
    beside(echoes(), [](std::string const& where) {
        auto client = one_at_a_time();
        for (char const* bad : {"{\"qty\": }", "", "{\"qty\": 1", "\xff\xfe"}) {
            auto r = client(http::post(where + "/qty").body(bad, "application/json").bearer("s3cret"));
            CHECK(r.status == 400);
            CHECK_THAT(r.json().at("error").get<std::string>(),
                       Catch::StartsWith("malformed JSON") && !Catch::Contains("s3cret"));
        }
        auto nested = client(http::post(where + "/qty").body(std::string(50'000, '['), "application/json"));
        CHECK(nested.status == 400);
        CHECK(client(http::post(where + "/qty").json({{"qty", 3}})).json() == nlohmann::json{{"qty", 3}});
        CHECK(client.idle_connections() == 1);
    });
}
