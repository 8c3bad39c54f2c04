// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <sstream>

#include <effects/http/error.hpp>
#include <effects/http/request.hpp>

#include <nlohmann/json.hpp> // after ours: its members need it only where they are called

namespace http = effects::http;
using namespace std::chrono_literals;

namespace {

struct point {
    int x;
};
void to_json(nlohmann::json& j, point const& p) { j = {{"x", p.x}}; }

std::string printed(http::request const& r) {
    std::ostringstream out;
    out << r;
    return out.str();
}

} // namespace

TEST_CASE("builders chain on a temporary request", "[http][request]") {
    auto r = http::post("https://pay.example/charges").json({{"cents", 900}}).header("X-Id", "7").timeout(2s);

    CHECK(r.method() == "POST");
    CHECK(r.url() == "https://pay.example/charges");
    CHECK(r.body() == R"({"cents":900})");
    CHECK(r.header("content-type") == "application/json");
    CHECK(r.header("X-Id") == "7");
    CHECK(r.timeout() == std::chrono::nanoseconds(2s));
}

TEST_CASE("builders change a named request in place", "[http][request]") {
    auto r = http::get("/a");

    r.header("A", "1").add_header("A", "2").query("q", "x").follow_redirects(false);

    CHECK(r.headers().all("A") == std::vector<std::string>{"1", "2"});
    CHECK(r.url() == "/a?q=x");
    CHECK(r.follow_redirects() == false);
}

TEST_CASE("each method has its builder", "[http][request]") {
    CHECK(http::get("/").method() == "GET");
    CHECK(http::head("/").method() == "HEAD");
    CHECK(http::post("/").method() == "POST");
    CHECK(http::put("/").method() == "PUT");
    CHECK(http::patch("/").method() == "PATCH");
    CHECK(http::del("/").method() == "DELETE");
    CHECK(http::options("/").method() == "OPTIONS");
    CHECK(http::request("PURGE", "/").method() == "PURGE");
}

TEST_CASE("query parameters are encoded and the given escapes stay as they are", "[http][request][url]") {
    auto r = http::get("https://x/a%28b?s=%2f#frag").query("q", "a b&c=d/ü").query("n", 3).query("on", true);

    CHECK(r.url() == "https://x/a%28b?s=%2f&q=a%20b%26c%3Dd%2F%C3%BC&n=3&on=true#frag");
    CHECK(r.query() == std::vector<http::field>{{"s", "/"}, {"q", "a b&c=d/ü"}, {"n", "3"}, {"on", "true"}});
}

TEST_CASE("a query that is open already gets no second separator", "[http][request][url]") {
    CHECK(http::get("/?").query("a", "1").url() == "/?a=1");
    CHECK(http::get("/?b=2&").query("a", "1").url() == "/?b=2&a=1");
    CHECK(http::get("/#?x").query("a", "1").url() == "/?a=1#?x");
}

TEST_CASE("json takes braces, values, other JSON types and types with to_json", "[http][request][json]") {
    CHECK(http::post("/").json({1, 2}).body() == "[1,2]");
    CHECK(http::post("/").json({{"a", 1}, {"b", {{"c", nullptr}}}}).body() == R"({"a":1,"b":{"c":null}})");
    CHECK(http::post("/").json(nlohmann::json::array()).body() == "[]");
    CHECK(http::post("/").json<nlohmann::ordered_json>({{"z", 1}, {"a", 2}}).body() == R"({"z":1,"a":2})");
    CHECK(http::post("/").json(point{3}).body() == R"({"x":3})");
    CHECK(http::post("/").json("text").body() == R"("text")");
    CHECK(http::post("/").json(point{3}).json().at("x") == 3);
}

TEST_CASE("a form is encoded with its content type", "[http][request]") {
    auto r = http::post("/").form({{"name", "Grüße & Co"}, {"n", "1+1=2"}});

    CHECK(r.body() == "name=Gr%C3%BC%C3%9Fe+%26+Co&n=1%2B1%3D2");
    CHECK(r.header("Content-Type") == "application/x-www-form-urlencoded");
    CHECK(http::post("/").form({{"a", "1"}}).body() == "a=1");
    CHECK(http::post("/").form({}).body().empty());
}

TEST_CASE("a body has the content type it is given, or none", "[http][request]") {
    CHECK(http::put("/").body("<a/>", "application/xml").header("Content-Type") == "application/xml");
    CHECK(http::put("/").body("raw").header("Content-Type") == std::nullopt);
}

TEST_CASE("credentials are encoded as their schemes ask", "[http][request]") {
    CHECK(http::get("/").bearer("t0k").header("Authorization") == "Bearer t0k");
    CHECK(http::get("/").basic_auth("Aladdin", "open sesame").header("Authorization") ==
          "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    CHECK(http::get("/").basic_auth("a", "").header("Authorization") == "Basic YTo=");
    CHECK_THROWS_AS(http::get("/").basic_auth("a:b", "c"), std::invalid_argument);
    CHECK_THROWS_AS(http::get("/").bearer("a\r\nX: y"), std::invalid_argument);
}

TEST_CASE("what cannot be sent is refused by the builder, which says what", "[http][request]") {
    CHECK_THROWS_WITH(http::request("GE T", "/"), Catch::Contains("GE T"));
    CHECK_THROWS_AS(http::request("", "/"), std::invalid_argument);
    CHECK_THROWS_AS(http::get(""), std::invalid_argument);
    CHECK_THROWS_WITH(http::get("http://x/a b"), Catch::Contains("offset 10"));
    CHECK_THROWS_AS(http::get("http://x/\r\nHost: evil"), std::invalid_argument);
    CHECK_THROWS_AS(http::get("http://x/%zz"), std::invalid_argument);
    CHECK_THROWS_AS(http::get("http://x:99999/").timeout(0s), std::invalid_argument);
    CHECK_THROWS_AS(http::get("/").timeout(-1s), std::invalid_argument);
}

TEST_CASE("a printed request shows no secrets", "[http][request]") {
    auto text = printed(http::get("https://me:s3cret@x/a?token=s3cret&page=2").bearer("s3cret"));

    CHECK_THAT(text, !Catch::Contains("s3cret") && Catch::Contains("page=2") && Catch::Contains("//***@x"));
}

TEST_CASE("requests are equal when all their parts are", "[http][request]") {
    auto r = http::post("/a").json({{"x", 1}}).timeout(1s);

    CHECK(r == http::post("/a").json({{"x", 1}}).timeout(1s));
    CHECK_FALSE(r == http::post("/a").json({{"x", 2}}).timeout(1s));
    CHECK_FALSE(r == http::post("/a").json({{"x", 1}}));
    CHECK_FALSE(r == http::put("/a").json({{"x", 1}}).timeout(1s));
}

TEST_CASE("a pattern matches on what it sets", "[http][request]") {
    auto actual = http::post("/a").json({{"x", 1}, {"y", 2}}).header("X-Trace", "9").timeout(2s);

    CHECK(http::matches(http::post("/a"), actual));
    CHECK(http::matches(http::post("/a").json<nlohmann::ordered_json>({{"y", 2}, {"x", 1}}), actual));
    CHECK(http::matches(http::post("/a").header("x-trace", "9").timeout(2s), actual));
    CHECK_FALSE(http::matches(http::post("/a").timeout(3s), actual));
    CHECK_FALSE(http::matches(http::post("/a").json({{"x", 1}}), actual));
    CHECK_FALSE(http::matches(http::post("/b"), actual));
    CHECK_FALSE(http::matches(http::get("/a"), actual));
}

TEST_CASE("differences name each part that differs, and no secret", "[http][request]") {
    auto lines = http::differences(http::put("/a").bearer("s3cret").header("A", "1").body("x"),
                                   http::post("/b").bearer("other-s3cret").body("y"));

    std::string all;
    for (auto const& line : lines) all += line + "\n";
    CHECK(lines.size() == 5);
    CHECK_THAT(all, Catch::Contains("method: expected PUT, got POST") && Catch::Contains("/a") &&
                        Catch::Contains("header A: expected \"1\", got none") && !Catch::Contains("s3cret"));
}

TEST_CASE("reading a request's malformed body as JSON says where", "[http][request][json]") {
    auto r = http::post("https://x/y").body(R"({"a": })");

    CHECK_THROWS_MATCHES(r.json(), http::error, Catch::Predicate<http::error>([](http::error const& e) {
                             return e.code() == http::errc::bad_json &&
                                    std::string(e.what()).find("POST https://x/y") != std::string::npos;
                         }));
}
