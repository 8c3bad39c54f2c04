// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <sstream>

#include <nlohmann/json.hpp>

#include <effects/http/error.hpp>

#include "http/hop.hpp"

namespace http = effects::http;

namespace {

http::client_options plain() {
    http::client_options o;
    o.user_agent.clear();
    o.decompress = false;
    return o;
}

http::hop hop_of(http::request const& r, http::client_options const& o = plain()) { return http::first_hop(r, o); }

std::optional<http::hop> redirected(http::request const& r, int status, std::string location) {
    return http::next_hop(hop_of(r), status, http::headers{{"Location", std::move(location)}});
}

} // namespace

TEST_CASE("a relative URL is joined to the base URL, an absolute one stands", "[http][client]") {
    auto o = plain();
    o.base_url = "https://api.example/v1/";

    CHECK(hop_of(http::get("users?x=%41"), o).url == "https://api.example/v1/users?x=%41");
    CHECK(hop_of(http::get("/users"), o).url == "https://api.example/users");
    CHECK(hop_of(http::get("http://other/x#frag"), o).url == "http://other/x");
    CHECK_THROWS_AS(hop_of(http::get("/users")), std::invalid_argument);
}

TEST_CASE("a request's own header replaces the default of its name", "[http][client]") {
    auto o = plain();
    o.headers = {{"X-A", "default"}, {"X-B", "default"}, {"X-B", "twice"}};

    auto h = hop_of(http::get("http://x/").header("x-a", "own"), o);

    CHECK(h.headers.all("X-A") == std::vector<std::string>{"own"});
    CHECK(h.headers.all("X-B") == std::vector<std::string>{"default", "twice"});
}

TEST_CASE("default credentials stay with the base URL's origin", "[http][client]") {
    auto o = plain();
    o.headers = {{"Authorization", "Bearer t"}, {"X-Api-Key", "k"}, {"X-Plain", "p"}};
    CHECK(hop_of(http::get("http://anywhere/"), o).headers.contains("Authorization"));

    o.base_url = "https://api.example/";
    CHECK(hop_of(http::get("/a"), o).headers.contains("Authorization"));
    auto elsewhere = hop_of(http::get("http://api.example/a"), o).headers; // http, not https
    CHECK_FALSE(elsewhere.contains("Authorization"));
    CHECK_FALSE(elsewhere.contains("X-Api-Key"));
    CHECK(elsewhere.contains("X-Plain"));
}

TEST_CASE("the URL's user and password become basic authentication, unless there is another", "[http][client]") {
    CHECK(hop_of(http::get("http://a:b@x/")).headers.get("Authorization") == "Basic YTpi");
    CHECK(hop_of(http::get("http://a:b@x/").bearer("t")).headers.get("Authorization") == "Bearer t");
}

TEST_CASE("a POST becomes a GET by 301, 302 and 303, and stays a POST by 307 and 308", "[http][redirect]") {
    auto const post = http::post("http://x/a").json({{"n", 1}}).header("X-Keep", "1");
    for (int status : {301, 302, 303}) {
        CAPTURE(status);
        auto next = redirected(post, status, "/b");
        REQUIRE(next);
        CHECK(next->method == "GET");
        CHECK(next->body.empty());
        CHECK_FALSE(next->headers.contains("Content-Type"));
        CHECK(next->headers.get("X-Keep") == "1");
    }
    for (int status : {307, 308}) {
        CAPTURE(status);
        auto next = redirected(post, status, "/b");
        REQUIRE(next);
        CHECK(next->method == "POST");
        CHECK(next->body == R"({"n":1})");
        CHECK(next->headers.contains("Content-Type"));
    }
}

TEST_CASE("other methods keep themselves by 301 and 302, and HEAD by 303", "[http][redirect]") {
    CHECK(redirected(http::put("http://x/").body("b"), 302, "/y")->method == "PUT");
    CHECK(redirected(http::put("http://x/").body("b"), 302, "/y")->body == "b");
    CHECK(redirected(http::head("http://x/"), 303, "/y")->method == "HEAD");
    CHECK(redirected(http::del("http://x/"), 303, "/y")->method == "GET");
}

TEST_CASE("only redirecting statuses with a Location redirect", "[http][redirect]") {
    for (int status : {200, 201, 300, 304, 305, 306, 404})
        CHECK_FALSE(redirected(http::get("http://x/"), status, "/y"));
    CHECK_FALSE(http::next_hop(hop_of(http::get("http://x/")), 302, {}));
}

TEST_CASE("a Location is resolved against the URL that sent it", "[http][redirect]") {
    CHECK(redirected(http::get("http://x/a/b?q"), 302, "c?d=%2F#f")->url == "http://x/a/c?d=%2F");
    CHECK(redirected(http::get("http://x/a"), 302, "//y/z")->url == "http://y/z");
}

TEST_CASE("no credentials cross to another origin", "[http][redirect]") {
    auto const r =
        http::get("https://x/a").bearer("t").header("Cookie", "c=1").header("X-Api-Key", "k").header("X-B", "b");
    for (std::string const other : {"https://y/", "http://x/", "https://x:8443/", "https://sub.x/"}) {
        CAPTURE(other);
        auto next = redirected(r, 307, other);
        REQUIRE(next);
        CHECK(next->headers == http::headers{{"X-B", "b"}, {"Accept", "*/*"}});
    }
    CHECK(redirected(r, 307, "https://X:443/b")->headers.contains("Authorization"));
}

TEST_CASE("a Location that is no usable URL is an error that says so", "[http][redirect]") {
    CHECK_THROWS_MATCHES(redirected(http::get("http://x/"), 302, "http://[bad"), http::error,
                         Catch::Predicate<http::error>([](auto& e) { return e.code() == http::errc::bad_url; }));
    CHECK_THROWS_MATCHES(
        redirected(http::get("http://x/"), 302, "file:///etc/passwd"), http::error,
        Catch::Predicate<http::error>([](auto& e) { return e.code() == http::errc::unsupported_scheme; }));
}

TEST_CASE("a request is written as HTTP/1.1 has it", "[http][client]") {
    auto h = hop_of(http::post("http://Example.com:8080/a?b=c").body("hello", "text/plain").header("X-A", "1"));

    CHECK(http::serialize(h, "sid=1") == "POST /a?b=c HTTP/1.1\r\n"
                                         "Host: example.com:8080\r\n"
                                         "Content-Type: text/plain\r\n"
                                         "X-A: 1\r\n"
                                         "Accept: */*\r\n"
                                         "Cookie: sid=1\r\n"
                                         "Content-Length: 5\r\n"
                                         "\r\n"
                                         "hello");
}

TEST_CASE("the length of a request is what it is, whatever its headers say", "[http][client]") {
    auto text = http::serialize(hop_of(http::post("http://x/")
                                           .body("abc")
                                           .header("Content-Length", "999")
                                           .header("Transfer-Encoding", "chunked")
                                           .header("Host", "other")),
                                "");

    CHECK_THAT(text, Catch::Contains("Content-Length: 3\r\n") && !Catch::Contains("999") &&
                         !Catch::Contains("chunked") && Catch::Contains("Host: other\r\n") &&
                         !Catch::Contains("Host: x"));
}

TEST_CASE("an empty POST has a length, an empty GET has none", "[http][client]") {
    CHECK_THAT(http::serialize(hop_of(http::post("http://x/")), ""), Catch::Contains("Content-Length: 0\r\n"));
    CHECK_THAT(http::serialize(hop_of(http::get("http://x/")), ""), !Catch::Contains("Content-Length"));
}

TEST_CASE("a request's own cookies and the jar's share one header", "[http][client][cookies]") {
    auto text = http::serialize(hop_of(http::get("http://x/").header("Cookie", "a=1")), "b=2");

    CHECK_THAT(text, Catch::Contains("Cookie: a=1; b=2\r\n"));
}

TEST_CASE("idempotent are GET and its kin, and what carries an Idempotency-Key", "[http][client]") {
    CHECK(http::is_idempotent(hop_of(http::get("http://x/"))));
    CHECK(http::is_idempotent(hop_of(http::del("http://x/"))));
    CHECK_FALSE(http::is_idempotent(hop_of(http::post("http://x/"))));
    CHECK_FALSE(http::is_idempotent(hop_of(http::patch("http://x/"))));
    CHECK(http::is_idempotent(hop_of(http::post("http://x/").header("Idempotency-Key", "7"))));
}

TEST_CASE("headers that are secrets by their names alone stay behind when another origin is next", "[http][redirect]") {
    auto r = http::get("http://x/").header("X-Plain", "p").header("Idempotency-Key", "i");
    std::vector<std::string> const secret{
        "X-Vault-Token", "X-Amz-Security-Token",     "Private-Token", "X-Session-Id", "X-Auth-Request",
        "Client-Secret", "Ocp-Apim-Subscription-Key"};
    for (auto const& name : secret) r = std::move(r).header(name, "s3cret");

    auto there = redirected(r, 307, "http://y/")->headers;
    auto here = redirected(r, 307, "/there")->headers;

    for (auto const& name : secret) {
        CAPTURE(name);
        CHECK_FALSE(there.contains(name));
        CHECK(here.contains(name));
    }
    CHECK(there.contains("X-Plain"));
    CHECK(there.contains("Idempotency-Key"));
    std::ostringstream shown;
    shown << r;
    CHECK_THAT(shown.str(), !Catch::Contains("s3cret"));
}
