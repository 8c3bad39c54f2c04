// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/async/timeout.hpp>
#include <effects/http/error.hpp>

#include "far_end.hpp"

namespace async = effects::async;
namespace http = effects::http;
namespace net = effects::net;
using effects::perform;
using namespace std::chrono_literals;

namespace {

std::string const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

http::response get(std::string const& path = "/") { return perform(http::get("http://server" + path)); }

} // namespace

TEST_CASE("redirects are followed and told", "[http][client][redirect]") {
    far_end server({{"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 3\r\n\r\nold",
                     "HTTP/1.1 307 Temporary Redirect\r\nLocation: c?x\r\nContent-Length: 0\r\n\r\n", hello}});

    against(server, [] {
        auto r = perform(http::post("http://server/a").body("x", "text/plain"));
        CHECK(r.text() == "hello");
        CHECK(r.url == "http://server/c?x");
        CHECK(r.history == std::vector<std::string>{"http://server/a", "http://server/b"});
    });

    REQUIRE(server.requests.size() == 3);
    CHECK_THAT(server.requests[1], Catch::StartsWith("GET /b HTTP/1.1") && !Catch::Contains("Content-Type"));
    CHECK_THAT(server.requests[2], Catch::StartsWith("GET /c?x HTTP/1.1"));
}

TEST_CASE("redirects are not followed when the request or the client says so", "[http][client][redirect]") {
    auto const moved = "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";
    far_end server({{moved, moved, hello}});
    http::client_options o;
    o.follow_redirects = false;

    against(
        server,
        [] {
            CHECK(get().status == 302);
            CHECK(perform(http::get("http://server/").follow_redirects(true)).text() == "hello");
        },
        o);
}

TEST_CASE("a redirect loop is an error that says where it was", "[http][client][redirect][faults]") {
    far_end::script loop(20, "HTTP/1.1 302 Found\r\nLocation: /again?token=s3cret\r\nContent-Length: 0\r\n\r\n");
    far_end server({loop});

    against(server, [] {
        auto e = failure_of([] { get(); });
        CHECK(e.code == http::errc::too_many_redirects);
        CHECK_THAT(e.what, Catch::Contains("10 redirects") && Catch::Contains("http://server/again") &&
                               !Catch::Contains("s3cret"));
    });

    CHECK(server.requests.size() == 11);
}

TEST_CASE("a redirect to another origin carries no credentials", "[http][client][redirect]") {
    far_end server({{"HTTP/1.1 302 Found\r\nLocation: http://other:80/x\r\nContent-Length: 0\r\n\r\n"}, {hello}});

    against(server, [&] {
        auto other = perform(net::listen({"other", 80}));
        async::task_group([&](async::group& g) {
            g.spawn([&] { server.serve(other, g); });
            CHECK(perform(http::get("http://server/").bearer("s3cret").header("X-A", "1")).text() == "hello");
            g.cancel();
        });
    });

    REQUIRE(server.requests.size() == 2);
    CHECK_THAT(server.requests[0], Catch::Contains("s3cret"));
    CHECK_THAT(server.requests[1], !Catch::Contains("s3cret") && Catch::Contains("X-A: 1"));
}

TEST_CASE("cookies go back to the server that set them, also from redirects", "[http][client][cookies]") {
    auto const set = "HTTP/1.1 302 Found\r\nLocation: /b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/none\r\n"
                     "Set-Cookie: c=3; Max-Age=3600\r\nContent-Length: 0\r\n\r\n";
    for (bool on : {true, false}) {
        far_end server({{set, hello, hello}});
        http::client_options o;
        o.cookies = on;
        against(
            server,
            [] {
                get();
                get();
            },
            o);
        REQUIRE(server.requests.size() == 3);
        CHECK_THAT(server.requests[0], !Catch::Contains("Cookie"));
        for (int i : {1, 2})
            CHECK((server.requests[static_cast<std::size_t>(i)].find("Cookie: a=1; c=3\r\n") != std::string::npos) ==
                  on);
    }
}
