// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <thread>

#include <effects/async/cancelled.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>
#include <effects/http/error.hpp>

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

TEST_CASE("requests to one host share a connection", "[http][client][pool]") {
    far_end server({{hello, hello, hello}});

    against(server, [](http::client& c) {
        for (int i = 0; i < 3; ++i) CHECK(get().text() == "hello");
        CHECK(c.idle_connections() == 1);
    });

    CHECK(server.accepted == 1);
}

TEST_CASE("a connection that either side ends is not used again", "[http][client][pool]") {
    auto closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    auto old = "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    far_end server({{closing}, {old}, {hello}, {hello}});
    server.hold = true;

    against(server, [](http::client& c) {
        get();
        get();
        perform(http::get("http://server/").header("Connection", "close"));
        CHECK(c.idle_connections() == 0);
        get();
    });

    CHECK(server.accepted == 4);
}

TEST_CASE("a connection that idled too long is closed", "[http][client][pool]") {
    far_end server({{hello, hello}, {hello}});
    server.hold = true;

    against(server, [] {
        get();
        async::sleep_for(14s);
        get();
        async::sleep_for(16s);
        get();
    });

    CHECK(server.accepted == 2);
}

TEST_CASE("idle connections to other hosts close too when their time is over", "[http][client][pool]") {
    far_end server({{hello}, {hello, hello}});
    server.hold = true;

    against(server, [&](http::client& c) {
        perform(http::get("http://server:80/"));
        CHECK(c.idle_connections() == 1);
        async::sleep_for(10s);
        auto other = perform(net::listen({"other", 80}));
        async::task_group([&](async::group& g) {
            g.spawn([&] { server.serve(other, g); });
            perform(http::get("http://other/"));
            CHECK(c.idle_connections() == 2);
            async::sleep_for(10s);
            perform(http::get("http://other/"));
            CHECK(c.idle_connections() == 1);
            g.cancel();
        });
    });
}

TEST_CASE("stop closes the kept connections", "[http][client][pool]") {
    far_end server({{hello}});
    server.hold = true;

    against(server, [&](http::client& c) {
        get();
        c.stop();
        CHECK(c.idle_connections() == 0);
        async::sleep_for(1s);
        CHECK(server.open == 0);
    });
}

TEST_CASE("a kept connection that the server has closed is not used", "[http][client][pool]") {
    far_end server({{hello}, {hello}});

    against(server, [] {
        get();
        async::sleep_for(1s); // the server has closed meanwhile
        CHECK(perform(http::post("http://server/").body("x")).text() == "hello");
    });

    CHECK(server.requests.size() == 2);
}

TEST_CASE("a request that dies with a kept connection is sent again, once, if that is safe", "[http][client][pool]") {
    auto run = [](http::request const& second, std::deque<far_end::script> scripts, http::client_options o = {}) {
        far_end server(std::move(scripts));
        std::pair<caught, std::size_t> result;
        against(
            server,
            [&] {
                get();
                result.first = failure_of([&] { perform(second); });
            },
            o);
        result.second = server.requests.size();
        return result;
    };
    // The server takes the second request off the first connection, and hangs up.
    std::deque<far_end::script> const once{{hello, ""}, {hello}};
    std::deque<far_end::script> const twice{{hello, ""}, {""}, {hello}};

    auto [get_error, get_sent] = run(http::get("http://server/"), once);
    CHECK(get_error.what == "no exception");
    CHECK(get_sent == 3);

    auto [post_error, post_sent] = run(http::post("http://server/").body("x"), once);
    CHECK(post_error.code == http::errc::no_response);
    CHECK(post_sent == 2);

    CHECK(run(http::post("http://server/").header("Idempotency-Key", "1"), once).second == 3);

    auto [again_error, again_sent] = run(http::get("http://server/"), twice);
    CHECK(again_error.code == http::errc::no_response);
    CHECK(again_sent == 3);

    http::client_options off;
    off.resend_on_dead_connection = false;
    CHECK(run(http::get("http://server/"), once, off).first.code == http::errc::no_response);
}

TEST_CASE("a request is not sent again once a byte of the response has come", "[http][client][pool]") {
    far_end server({{hello, "H"}, {hello}});

    against(server, [] {
        get();
        CHECK(failure_of([] { get(); }).code == http::errc::malformed_message);
    });

    CHECK(server.requests.size() == 2);
}

TEST_CASE("a connection with bytes that nobody asked for is not used again", "[http][client][pool]") {
    far_end server({{hello + hello}, {text("second")}});
    server.hold = true;

    against(server, [] {
        CHECK(get().text() == "hello");
        CHECK(get().text() == "second");
    });

    CHECK(server.accepted == 2);
}

TEST_CASE("no more connections to a host are open than allowed, and requests wait in order", "[http][client][pool]") {
    std::deque<far_end::script> scripts(10, far_end::script(10, hello));
    far_end server(scripts);
    http::client_options o;
    o.max_connections_per_host = 2;
    std::vector<int> order;
    sim::options how;
    how.network.latency_min = how.network.latency_max = 10ms;

    against(
        server,
        [&] {
            async::task_group([&](async::group& g) {
                for (int i = 0; i < 8; ++i)
                    g.spawn([&order, i] {
                        CHECK(get().text() == "hello");
                        order.push_back(i);
                    });
            });
        },
        o, how);

    CHECK(server.most_open == 2);
    REQUIRE(order.size() == 8);
    for (std::size_t i = 2; i < 8; ++i) CHECK(order[i] / 2 == static_cast<int>(i) / 2);
}

TEST_CASE("a request that gives up waiting for a connection leaves the line", "[http][client][pool][cancellation]") {
    far_end server({{"", hello}, {hello, hello}});
    server.hold = true;
    http::client_options o;
    o.max_connections_per_host = 1;

    against(
        server,
        [&] {
            async::task_group([&](async::group& g) {
                g.spawn([] { CHECK_THROWS_AS(perform(http::get("http://server/").timeout(10s)), async::timed_out); });
                g.spawn([] {
                    auto e = failure_of([] { perform(http::get("http://server/").timeout(1s)); });
                    CHECK_THAT(e.what, Catch::Contains("waiting for a free connection"));
                });
                auto last = g.spawn([] {
                    auto begun = async::now();
                    CHECK(get().text() == "hello");
                    CHECK(async::now() - begun == 10s); // as soon as the first one gave up
                });
                last.get();
            });
        },
        o);
}

TEST_CASE("a failed exchange frees its place", "[http][client][pool][faults]") {
    far_end server({{"garbage\r\n\r\n"}, {"garbage\r\n\r\n"}, {hello}});
    http::client_options o;
    o.max_connections_per_host = 1;

    against(
        server,
        [] {
            CHECK_THROWS_AS(get(), http::error);
            CHECK_THROWS_AS(get(), http::error);
            CHECK_THROWS_AS(perform(http::get("http://server:81/")), net::error);
            CHECK_THROWS_AS(perform(http::get("http://server:81/")), net::error);
            CHECK(get().text() == "hello");
        },
        o);
}

TEST_CASE("cancelling at any moment of a request closes its connection", "[http][client][cancellation]") {
    sim::options how;
    how.network.latency_min = how.network.latency_max = 10ms;
    for (int ms = 0; ms < 60; ms += 5) {
        CAPTURE(ms);
        far_end server({{text(std::string(100, 'x')), hello}, {hello}});
        server.hold = true;
        against(
            server,
            [&](http::client& c) {
                bool const done = async::try_timeout(std::chrono::milliseconds(ms), [] { get(); }).has_value();
                CHECK(c.idle_connections() == (done ? 1 : 0));
                CHECK(get().status == 200);
            },
            {}, how);
    }
}

TEST_CASE("the end of one thread's world leaves the connections that another thread keeps alone",
          "[http][client][pool]") {
    far_end server({{hello, hello}});
    server.hold = true;

    against(server, [](http::client& c) {
        get();
        std::thread([&] { sim::run([] {}, c); }).join();
        CHECK(c.idle_connections() == 1);
        get();
        c.stop();
        CHECK(c.idle_connections() == 0);
    });

    CHECK(server.accepted == 1);
}

TEST_CASE("a connection that idled too long is closed though no other request comes", "[http][client][pool]") {
    far_end server({{hello}, {hello}});
    server.hold = true;
    http::client c;

    sim::run(
        [&] {
            auto door = perform(net::listen({"server", 80}));
            async::task_group([&](async::group& g) {
                g.spawn([&] { server.serve(door, g); });
                for (int i = 0; i < 2; ++i) {
                    get();
                    async::sleep_for(14s);
                    CHECK(server.open == 1);
                    async::sleep_for(2s);
                    CHECK(c.idle_connections() == 0);
                    CHECK(server.open == 0);
                }
                g.cancel();
            });
        },
        c);
}
