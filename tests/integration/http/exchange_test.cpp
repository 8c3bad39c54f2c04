// SPDX-License-Identifier: BSL-1.0
#include <set>
#include <string>

#include <unistd.h>

#include <effects/async/event.hpp>
#include <effects/async/threads.hpp>
#include <effects/async/timeout.hpp>

#include "service.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
using effects::perform;
using namespace std::chrono_literals;

namespace {

/// Routes that answer with what they were asked.
http::router echoes() {
    http::router r;
    r.get("/hello", [] { return http::ok_text("hello"); });
    r.get("/big", [] { return http::ok_text(std::string(2'000'000, 'b')); });
    r.post("/echo", [](http::incoming const& in) { return http::ok_text(in.text()); });
    r.get("/items/{id}/parts/{rest...}", [](http::incoming const& in) {
        return http::ok({{"id", in.param<long>("id")}, {"rest", in.param("rest")}, {"q", in.query("q").value_or("")}});
    });
    r.post("/orders", [](http::incoming const& in) {
        return http::created({{"sku", in.json().at("sku")}, {"qty", in.json().at("qty").get<int>() + 1}});
    });
    r.get("/none", [] { return http::no_content(); });
    r.get("/bug", []() -> http::response { throw std::runtime_error("s3cret"); });
    r.get("/teapot", []() -> http::response { throw http::request_error(418, "no coffee"); });
    r.get("/moved", [] { return http::redirect("/hello"); });
    r.post("/done", [] { return http::redirect("/hello", 303); });
    r.put("/kept", [] { return http::redirect("/kept/here", 307); });
    r.put("/kept/here", [](http::incoming const& in) { return http::ok_text("kept " + in.text()); });
    return r;
}

} // namespace

EFFECTS_OVER_BOTH_NETWORKS("requests one after the other share a connection", "[http][keep-alive]") {
    std::set<net::endpoint> peers;
    http::router routes;
    routes.get("/", [&](http::incoming const& in) {
        peers.insert(in.remote());
        return http::ok_text("x");
    });

    beside(routes, [](std::string const& where) {
        http::client client;
        for (int i = 0; i < 5; ++i) CHECK(client(http::get(where)).text() == "x");
        CHECK(client.idle_connections() == 1);
    });

    CHECK(peers.size() == 1);
}

EFFECTS_OVER_BOTH_NETWORKS("requests at the same time get each its own answer, over no more connections than allowed",
                           "[http][pool]") {
    std::set<net::endpoint> peers;
    http::router routes;
    routes.post("/echo/{n}", [&](http::incoming const& in) {
        peers.insert(in.remote());
        async::yield();
        return http::ok_text(in.param("n") + in.text());
    });

    beside(routes, [](std::string const& where) {
        http::client client{{.max_connections_per_host = 4}};
        int answered = 0;
        async::task_group([&](async::group& g) {
            for (int i = 0; i < 30; ++i)
                g.spawn([&, i] {
                    std::string const body(static_cast<std::size_t>(i) * 1000, 'a');
                    auto r = client(http::post(where + "/echo/" + std::to_string(i)).body(body));
                    if (r.text() == std::to_string(i) + body) ++answered;
                });
        });
        CHECK(answered == 30);
        CHECK(client.idle_connections() <= 4);
    });

    CHECK(peers.size() <= 4);
}

EFFECTS_OVER_BOTH_NETWORKS("redirects are followed, keep what they must and tell where they went", "[http][redirect]") {
    beside(echoes(), [](std::string const& where) {
        http::client client;

        auto moved = client(http::get(where + "/moved"));
        CHECK(moved.text() == "hello");
        CHECK(moved.url == where + "/hello");
        CHECK(moved.history == std::vector{where + "/moved"});
        CHECK(client(http::post(where + "/done").body("x")).text() == "hello");
        CHECK(client(http::put(where + "/kept").body("x")).text() == "kept x");
        CHECK(client(http::get(where + "/moved").follow_redirects(false)).status == 302);
        CHECK(client.idle_connections() == 1);
    });
}

EFFECTS_OVER_BOTH_NETWORKS("a redirect to another server takes no credentials there", "[http][redirect]") {
    http::headers seen;
    http::router other;
    other.get("/", [&](http::incoming const& in) {
        seen = in.headers();
        return http::ok_text("other");
    });

    beside(other, [](std::string const& elsewhere) {
        http::router routes;
        routes.get("/", [&] { return http::redirect(elsewhere + "/"); });
        beside(routes, [](std::string const& where) {
            http::client client;
            CHECK(client(http::get(where + "/").bearer("s3cret").header("X-Trace", "1")).text() == "other");
        });
    });

    CHECK_FALSE(seen.contains("Authorization"));
    CHECK(seen.get("X-Trace") == "1");
}

EFFECTS_OVER_BOTH_NETWORKS("cookies go back to the server that set them, until it takes them away", "[http][cookies]") {
    http::router routes;
    routes.get("/login", [] {
        return http::redirect("/").with_header("Set-Cookie", "sid=42; HttpOnly; Path=/").with_header("X-A", "1");
    });
    routes.get("/logout", [] { return http::no_content().with_header("Set-Cookie", "sid=; Max-Age=0; Path=/"); });
    routes.get("/", [](http::incoming const& in) { return http::ok_text(in.cookie("sid").value_or("nobody")); });

    beside(routes, [](std::string const& where) {
        http::client client;
        CHECK(client(http::get(where + "/")).text() == "nobody");
        CHECK(client(http::get(where + "/login")).text() == "42");
        CHECK(client(http::get(where + "/")).text() == "42");
        CHECK(http::client{}(http::get(where + "/")).text() == "nobody");
        client(http::get(where + "/logout"));
        CHECK(client(http::get(where + "/")).text() == "nobody");
    });
}

EFFECTS_OVER_BOTH_NETWORKS("a request that takes too long times out by itself, and the client goes on",
                           "[http][timeout]") {
    async::event enough;
    http::router routes = echoes();
    routes.get("/stuck", [&] {
        enough.wait();
        return http::ok();
    });

    beside(routes, [&](std::string const& where) {
        http::client client{{.max_connections_per_host = 1}};
        for (int i = 0; i < 2; ++i) {
            try {
                client(http::get(where + "/stuck?token=s3cret").timeout(30ms));
                FAIL("no exception");
            } catch (async::timed_out const& e) {
                CHECK(e.limit() == 30ms);
                CHECK(e.elapsed() >= 30ms);
                CHECK_THAT(e.what(), Catch::StartsWith("while GET " + where + "/stuck?token=***: waiting for the "));
            }
            CHECK(client.idle_connections() == 0);
        }
        CHECK(client(http::get(where + "/hello")).text() == "hello");
        enough.set();
    });
}

EFFECTS_OVER_BOTH_NETWORKS("a timeout in the midst of a body closes the connection, which is not used again",
                           "[http][timeout]") {
    far_end server({{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
                    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}});
    server.hold = true;

    beside(server, [](std::string const& where) {
        http::client client;
        auto e = failure_of([&] { client(http::get(where + "/").timeout(60ms)); });
        CHECK(e.code == std::errc::timed_out);
        CHECK_THAT(e.what, Catch::Contains("reading the response's body"));
        CHECK(client(http::get(where + "/")).text() == "hello");
        CHECK(client.idle_connections() == 1);
    });

    CHECK(server.accepted == 2);
}

EFFECTS_OVER_BOTH_NETWORKS("a server that is shut down ends what it has begun, takes nothing new, and returns",
                           "[http][shutdown]") {
    async::event begun;
    async::event go_on;
    http::router routes;
    routes.get("/slow", [&] {
        begun.set();
        go_on.wait();
        return http::ok_text("finished");
    });
    routes.get("/", [] { return http::ok_text("quick"); });
    net::endpoint at;
    std::string ended = "not at all";
    http::server_options options;
    options.on_listening = [&](net::endpoint const& where) { at = where; };

    async::task_group([&](async::group& all) {
        async::event stop;
        auto server = all.spawn({.name = "serving"}, [&] {
            async::task_group([&](async::group& g) {
                g.spawn({.name = "server"}, [&] {
                    http::serve("127.0.0.1:0", routes, options);
                    ended = "returned";
                });
                stop.wait();
                g.cancel(async::reason::shutdown);
            });
        });
        auto const where = "http://" + at.text();
        http::client client;
        CHECK(client(http::get(where + "/")).text() == "quick");
        auto idle = perform(net::connect(at));
        async::task_group([&](async::group& g) {
            auto slow = g.spawn([&] { return client(http::get(where + "/slow")); });
            begun.wait();
            stop.set();
            CHECK(idle.read_all().empty()); // closed, since it idles
            CHECK(failure_of([&] { perform(net::connect(at)); }).code == std::errc::connection_refused);
            CHECK(ended == "not at all");
            go_on.set();
            auto const r = slow.get();
            CHECK(r.text() == "finished");
            CHECK(r.header("Connection") == "close");
        });
        server.wait();
    });

    CHECK(ended == "returned");
}

EFFECTS_OVER_BOTH_NETWORKS("a request that outlives the grace of a shutdown is cut off", "[http][shutdown]") {
    async::event begun;
    bool cancelled = false;
    http::router routes;
    routes.get("/endless", [&]() -> http::response {
        begun.set();
        try {
            async::event().wait();
        } catch (async::cancelled const& c) {
            cancelled = c.why() == async::reason::shutdown;
            throw;
        }
        return http::ok();
    });
    http::server_options options;
    options.grace = 10ms;
    caught failure;
    http::client client;

    async::task_group([&](async::group& clients) {
        beside(
            routes,
            [&](std::string const& where) {
                clients.spawn([&, where] { failure = failure_of([&] { client(http::get(where + "/endless")); }); });
                begun.wait();
            },
            options);
    });

    CHECK(cancelled);
    CHECK((failure.code == http::errc::no_response || failure.code == std::errc::connection_reset));
}

EFFECTS_OVER_BOTH_NETWORKS("path parameters, queries and JSON go there and back", "[http][router][json]") {
    beside(echoes(), [](std::string const& where) {
        http::client client{{.base_url = where + "/"}};
        auto r = client(http::get("items/-7/parts/a%20b/c").query("q", "x&y"));
        CHECK(r.json() == nlohmann::json{{"id", -7}, {"rest", "a b/c"}, {"q", "x&y"}});
        CHECK(r.header("Content-Type") == "application/json");

        auto made = client(http::post("/orders").json({{"sku", "ünï"}, {"qty", 4}}));
        CHECK(made.status == 201);
        CHECK(made.json() == nlohmann::json{{"sku", "ünï"}, {"qty", 5}});

        CHECK(client(http::get("items/seven/parts/x")).status == 400);
        CHECK(client(http::get("nowhere")).status == 404);
        CHECK(client(http::del("hello")).status == 405);
    });
}

EFFECTS_OVER_BOTH_NETWORKS("HEAD has the header section of GET and no body, and leaves the connection in order",
                           "[http][head]") {
    beside(echoes(), [](std::string const& where) {
        http::client client;
        auto got = client(http::get(where + "/big"));
        auto head = client(http::head(where + "/big"));
        CHECK(got.text().size() == 2'000'000);
        CHECK(head.status == 200);
        CHECK(head.body.empty());
        CHECK(head.header("Content-Length") == "2000000");
        CHECK(head.header("Content-Type") == got.header("Content-Type"));
        CHECK(client(http::head(where + "/nowhere")).status == 404);
        CHECK(client(http::get(where + "/none")).status == 204);
        CHECK(client(http::get(where + "/hello")).text() == "hello");
        CHECK(client.idle_connections() == 1);
    });
}

EFFECTS_OVER_BOTH_NETWORKS("chunked responses are put together, and the connection serves the next request",
                           "[http][chunked]") {
    std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string whole;
    for (int i = 0; i < 300; ++i) {
        std::string const piece(static_cast<std::size_t>(i % 9 + 1), static_cast<char>('a' + i % 26));
        chunks += std::to_string(piece.size()) + "\r\n" + piece + "\r\n";
        whole += piece;
    }
    far_end server({{chunks + "0\r\nX-Trailer: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}});

    beside(server, [&](std::string const& where) {
        http::client client;
        CHECK(client(http::get(where + "/")).text() == whole);
        CHECK(client(http::get(where + "/")).text() == "hello");
    });

    CHECK(server.accepted == 1);
}

EFFECTS_OVER_BOTH_NETWORKS("chunked requests are put together by the server", "[http][chunked]") {
    beside(echoes(), [](std::string const& where) {
        auto answer =
            raw(where, "POST /echo HTTP/1.1\r\nHost: s\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
        CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 200 OK\r\n") && Catch::EndsWith("\r\n\r\nhello world"));
    });
}

EFFECTS_OVER_BOTH_NETWORKS("megabytes go both ways at once", "[http]") {
    beside(echoes(),
           [](std::string const& where) {
               http::client client;
               std::string const big(3'000'000, 'x');
               async::task_group([&](async::group& g) {
                   for (int i = 0; i < 3; ++i)
                       g.spawn([&] { CHECK((client(http::post(where + "/echo").body(big)).text() == big)); });
               });
           },
           {.max_body_bytes = 4'000'000});
}

EFFECTS_OVER_BOTH_NETWORKS("a router answers in process as it does over the network", "[http][router][in_process]") {
    beside(echoes(), [](std::string const& where) {
        auto same = [](http::response r) {
            for (char const* framing : {"Date", "Content-Length", "Connection"}) r.headers.erase(framing);
            r.reason.clear();
            return r;
        };
        std::vector<http::request> const requests{
            http::get(where + "/hello"),
            http::head(where + "/hello"),
            http::get(where + "/none"),
            http::get(where + "/moved"),
            http::post(where + "/done").body("x"),
            http::put(where + "/kept").body("x"),
            http::get(where + "/moved").follow_redirects(false),
            http::get(where + "/items/3/parts/a/b?q=%C3%BC"),
            http::get(where + "/items/x/parts/"),
            http::post(where + "/orders").json({{"sku", "A"}, {"qty", 1}}),
            http::post(where + "/orders").body("{nope", "application/json"),
            http::get(where + "/teapot"),
            http::get(where + "/bug"),
            http::get(where + "/nowhere"),
            http::del(where + "/hello"),
        };

        for (auto const& r : requests) {
            CAPTURE(r);
            auto over_network = effects::handle([&] { return perform(r); }, http::client{});
            auto in_process = effects::handle([&] { return perform(r); }, http::in_process(echoes()));
            CHECK(same(over_network) == same(in_process));
        }
    });
}

TEST_CASE("a client that is used by several threads goes when they have ended", "[http][live][threads]") {
    http::router routes;
    routes.get("/hello", [] { return http::ok_text("hello"); });
    effects::live::run(
        {.handle_signals = false, .threads = 3},
        [&] {
            beside(routes, [](std::string const& where) {
                async::on_each_thread([&] {
                    for (int i = 0; i < 3; ++i)
                        if (perform(http::get(where + "/hello")).text() != "hello")
                            throw std::logic_error("another answer");
                });
            });
        },
        [](effects::os::operations::log const&) {}, http::client{});
}

EFFECTS_OVER_BOTH_NETWORKS("a client and a server meet at a Unix domain socket", "[http][unix]") {
    auto const at = net::endpoint::unix_socket("@effects-http-" + std::to_string(::getpid()));
    async::task_group([&](async::group& g) {
        http::router routes;
        routes.get("/host", [](http::incoming const& in) {
            return http::ok_text(in.headers().get("Host").value_or("none") +
                                 (in.remote().is_unix_socket() ? " unix" : ""));
        });
        g.spawn([&] { http::serve(at.text(), routes); });
        http::client client{{.base_url = "http://orders.example", .connect_to = at}};
        CHECK(client(http::get("/host")).text() == "orders.example unix");
        CHECK(client.idle_connections() == 1);
        g.cancel();
    });
}
