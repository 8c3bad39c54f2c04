// SPDX-License-Identifier: BSL-1.0
#include <nlohmann/json.hpp> // before ours: either order does

#include <catch2/catch.hpp>

#include <sstream>

#include <effects/http/response.hpp>

namespace http = effects::http;

namespace {

std::string what_of(http::response const& r) {
    try {
        r.json();
    } catch (http::error const& e) {
        CHECK(e.code() == http::errc::bad_json);
        return e.what();
    }
    return "no error";
}

} // namespace

TEST_CASE("a response is a value that anyone can build", "[http][response]") {
    http::response r{.status = 503, .headers = {{"Retry-After", "2"}}, .body = "busy"};

    CHECK(r == http::response{.status = 503, .headers = {{"retry-after", "2"}}, .body = "busy"});
    CHECK_FALSE(r.ok());
    CHECK(r.header("RETRY-AFTER") == "2");
    CHECK(r.header("Nope") == std::nullopt);
    CHECK(r.text() == "busy");
}

TEST_CASE("the factories take JSON in braces", "[http][response][json]") {
    auto r = http::created({{"id", "ch_1"}});

    CHECK(r.status == 201);
    CHECK(r.header("Content-Type") == "application/json");
    CHECK(r.json().at("id").get<std::string>() == "ch_1");
    CHECK(http::ok({1, 2, 3}).body == "[1,2,3]");
    CHECK(http::ok(nlohmann::json{{"a", 1}}).json() == nlohmann::json{{"a", 1}});
    CHECK(http::respond_json(418, {{"tea", true}}).body == R"({"tea":true})");
}

TEST_CASE("ok of JSON and ok of text are two names", "[http][response]") {
    CHECK(http::ok_text("plain").body == "plain");
    CHECK(http::ok_text("plain").header("Content-Type") == "text/plain; charset=utf-8");
    CHECK(http::ok("a string").body == "\"a string\"");
    CHECK(http::ok().body.empty());
}

TEST_CASE("the other factories have their status", "[http][response]") {
    CHECK(http::no_content().status == 204);
    CHECK(http::accepted().status == 202);
    CHECK(http::redirect("/there").header("Location") == "/there");
    CHECK(http::redirect("/there", 308).status == 308);
    CHECK(http::bad_request("why").body == R"({"error":"why"})");
    CHECK(http::not_found().body == R"({"error":"Not Found"})");
    CHECK(http::conflict().status == 409);
    CHECK(http::unavailable().status == 503);
    CHECK(http::problem(400, "\xff\xfe").json().is_object());
}

TEST_CASE("raise_for_status lets success and redirects through", "[http][response]") {
    CHECK(http::ok_text("x").raise_for_status().text() == "x");
    CHECK(http::redirect("/").raise_for_status().status == 302);
}

TEST_CASE("raise_for_status throws the status, the URL and the first KiB of the body", "[http][response]") {
    auto r = http::respond(502, std::string(5000, 'b'));
    r.url = "https://u:s3cret@pay.example/x?token=s3cret";

    try {
        r.raise_for_status();
        FAIL("no exception");
    } catch (http::status_error const& e) {
        CHECK(e.status() == 502);
        CHECK(e.code() == http::errc::status);
        CHECK(e.body() == std::string(1024, 'b'));
        CHECK_THAT(e.what(),
                   Catch::Contains("502 Bad Gateway") && Catch::Contains("pay.example") && !Catch::Contains("s3cret"));
        CHECK_THAT(e.url(), !Catch::Contains("s3cret"));
    }
}

TEST_CASE("a malformed JSON body is an error that names the response, the place and an excerpt",
          "[http][response][json]") {
    http::response r{.status = 200, .body = R"({"rate": 1.2, "usd" 3})", .url = "https://bank/rates"};

    CHECK_THAT(what_of(r), Catch::Contains("https://bank/rates") && Catch::Contains("200") &&
                               Catch::Contains("at byte 20 of 22") && Catch::Contains("usd"));
    CHECK_THAT(what_of(http::response{}), Catch::Contains("the body is empty"));
    CHECK_THAT(what_of({.body = std::string("\x00\x01", 2)}), Catch::Contains("\\x00\\x01"));
    CHECK_THAT(what_of({.body = "1e999"}), Catch::Contains("malformed JSON"));
}

TEST_CASE("json can be read as another JSON type", "[http][response][json]") {
    CHECK(http::respond(200, R"({"z":1,"a":2})").json<nlohmann::ordered_json>().dump() == R"({"z":1,"a":2})");
}

TEST_CASE("deeply nested JSON neither overflows the stack nor is refused", "[http][response][json]") {
    auto const depth = 100'000;
    http::response r{.body = std::string(depth, '[') + std::string(depth, ']')};

    CHECK(r.json().is_array());
    r.body.pop_back();
    CHECK_THROWS_AS(r.json(), http::error);
}

TEST_CASE("with_header replaces, on a named response and on a temporary", "[http][response]") {
    auto const r = http::ok_text("x").with_header("ETag", "1");

    CHECK(r.with_header("etag", "2").headers.all("ETag") == std::vector<std::string>{"2"});
    CHECK(r.header("ETag") == "1");
}

TEST_CASE("a printed response names its status and shows no cookie", "[http][response]") {
    std::ostringstream out;
    out << http::ok_text("hello").with_header("Set-Cookie", "sid=s3cret");

    CHECK_THAT(out.str(), Catch::StartsWith("200 OK") && Catch::Contains("hello") && !Catch::Contains("s3cret"));
}

TEST_CASE("codes of HTTP have words", "[http][error]") {
    for (int i = 1; i <= static_cast<int>(http::errc::no_free_connection); ++i)
        CHECK(make_error_code(static_cast<http::errc>(i)).message() != "unknown HTTP error");
    CHECK(make_error_code(static_cast<http::errc>(999)).message() == "unknown HTTP error");
    CHECK(std::string(http::category().name()) == "effects.http");
}
