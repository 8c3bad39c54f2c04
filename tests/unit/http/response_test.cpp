// SPDX-License-Identifier: BSL-1.0
#include <nlohmann/json.hpp> // before ours: either order does

#include <catch2/catch.hpp>

#include <chrono>
#include <sstream>

#include <effects/http/response.hpp>

namespace http = effects::http;
using namespace std::chrono_literals;

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

TEST_CASE("of an error status that of a busy server is transient", "[http][error]") {
    auto transient = [](int status) {
        try {
            http::respond(status).raise_for_status();
        } catch (effects::error const& e) {
            return e.transient();
        }
        FAIL("no exception");
        return false;
    };
    for (int status : {408, 429, 502, 503, 504}) CHECK(transient(status));
    for (int status : {400, 401, 403, 404, 409, 422, 500, 501, 505, 599}) CHECK_FALSE(transient(status));
}

TEST_CASE("of HTTP's own errors those of a connection that was lost are transient", "[http][error]") {
    for (int i = 1; i <= static_cast<int>(http::errc::no_free_connection); ++i) {
        auto code = static_cast<http::errc>(i);
        bool lost = code == http::errc::no_response || code == http::errc::body_truncated ||
                    code == http::errc::no_free_connection;
        CHECK(http::error(code, "x").transient() == lost);
    }
    CHECK(http::error(std::make_error_code(std::errc::connection_reset), "x").transient());
    CHECK_FALSE(http::request_error(503, "not ours to retry").transient());
}

TEST_CASE("Retry-After is seconds, or a date that counts from the response's own", "[http][response]") {
    auto asked = [](std::string value, std::string date = {}) {
        http::response r = http::unavailable().with_header("Retry-After", std::move(value));
        if (!date.empty()) r = std::move(r).with_header("Date", std::move(date));
        return r.retry_after();
    };
    std::string const noon = "Sun, 06 Nov 1994 12:00:00 GMT";

    CHECK(asked("120") == 120s);
    CHECK(asked(" 0 ") == 0s);
    CHECK(asked("Sun, 06 Nov 1994 12:01:30 GMT", noon) == 90s);
    CHECK(asked("Sun, 06 Nov 1994 11:00:00 GMT", noon) == 0s);
    CHECK(asked("9223372036").value() == 9223372036s);
    CHECK(asked("9223372037").value() == 9223372036s); // no overflow, of whichever integer
    CHECK(asked("99999999999999999999999").value() == 9223372036s);
    CHECK(asked("Fri, 31 Dec 9999 23:59:59 GMT", noon).value() == 9223372036s);

    CHECK(http::unavailable().retry_after() == std::nullopt);
    CHECK(asked("Sun, 06 Nov 1994 12:01:30 GMT") == std::nullopt); // since when?
    CHECK(asked("Sun, 06 Nov 1994 12:01:30 GMT", "noon") == std::nullopt);
    for (auto bad : {"", "-1", "1.5", "soon", "12 s", "+3"}) CHECK(asked(bad, noon) == std::nullopt);
}

TEST_CASE("what raise_for_status throws carries Retry-After", "[http][error]") {
    try {
        http::too_many_requests().with_header("Retry-After", "7").raise_for_status();
        FAIL("no exception");
    } catch (effects::error const& e) {
        CHECK(e.retry_after() == 7s);
    }
    CHECK(http::status_error(503, "", "", "").retry_after() == std::nullopt);
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
