// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "http/cookies.hpp"

namespace http = effects::http;
using namespace std::chrono_literals;

namespace {

http::date const now{std::chrono::sys_days(std::chrono::year(2026) / 6 / 1)};
http::origin const shop{true, "shop.example.com", 443};
http::origin const insecure{false, "shop.example.com", 80};
http::origin const sibling{true, "api.example.com", 443};

std::string sent(http::cookie_jar& jar, http::origin const& to, std::string_view path = "/", http::date at = now) {
    return jar.header_for(to, path, at);
}

} // namespace

TEST_CASE("a cookie goes back to the host that set it, and to no other", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("sid=abc", shop, "/", now);

    CHECK(sent(jar, shop) == "sid=abc");
    CHECK(sent(jar, sibling).empty());
    CHECK(sent(jar, {true, "sub.shop.example.com", 443}).empty());
}

TEST_CASE("a cookie of a domain goes to every host below it", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("a=1; Domain=.Example.COM", shop, "/", now);

    CHECK(sent(jar, sibling) == "a=1");
    CHECK(sent(jar, {true, "example.com", 443}) == "a=1");
    CHECK(sent(jar, {true, "badexample.com", 443}).empty());
}

TEST_CASE("a cookie for a domain that is not the host's is refused", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("a=1; Domain=other.com", shop, "/", now);
    jar.store("a=1; Domain=com", shop, "/", now);
    jar.store("a=1; Domain=sub.shop.example.com", shop, "/", now);

    CHECK(jar.size() == 0);
}

TEST_CASE("addresses and bare host names have cookies of their own", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("a=1", {false, "127.0.0.1", 80}, "/", now);
    jar.store("b=1; Domain=localhost", {false, "localhost", 80}, "/", now);
    jar.store("c=1; Domain=0.0.1", {false, "127.0.0.1", 80}, "/", now);

    CHECK(sent(jar, {false, "127.0.0.1", 8080}) == "a=1");
    CHECK(sent(jar, {false, "localhost", 80}) == "b=1");
}

TEST_CASE("a cookie's path bounds where it is sent", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("a=1; Path=/account", shop, "/", now);
    jar.store("b=2", shop, "/account/login", now);
    jar.store("c=3; Path=bad", shop, "/x/y", now);

    CHECK(sent(jar, shop, "/account") == "a=1; b=2");
    CHECK(sent(jar, shop, "/account/x") == "a=1; b=2");
    CHECK(sent(jar, shop, "/accounts").empty());
    CHECK(sent(jar, shop, "/x/z") == "c=3");
}

TEST_CASE("the cookie of the longest path comes first", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("outer=1; Path=/", shop, "/", now);
    jar.store("inner=2; Path=/a/b", shop, "/", now);

    CHECK(sent(jar, shop, "/a/b/c") == "inner=2; outer=1");
}

TEST_CASE("a secure cookie is neither sent nor set over plain HTTP", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("a=1; Secure", shop, "/", now);
    jar.store("b=1; Secure", insecure, "/", now);
    jar.store("a=evil", insecure, "/", now);

    CHECK(sent(jar, shop) == "a=1");
    CHECK(sent(jar, insecure).empty());
}

TEST_CASE("cookies expire, by Max-Age before Expires", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("a=1; Max-Age=60", shop, "/", now);
    jar.store("b=1; Expires=Mon, 01 Jun 2026 00:00:30 GMT", shop, "/", now);
    jar.store("c=1; Max-Age=90; Expires=Thu, 01 Jan 1970 00:00:00 GMT", shop, "/", now);

    CHECK(sent(jar, shop) == "a=1; b=1; c=1");
    CHECK(sent(jar, shop, "/", now + 30s) == "a=1; c=1");
    CHECK(sent(jar, shop, "/", now + 60s) == "c=1");
    CHECK(sent(jar, shop, "/", now + 90s).empty());
}

TEST_CASE("a cookie that has expired already deletes the one that is there", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("a=1", shop, "/", now);
    jar.store("a=; Max-Age=0", shop, "/", now);
    CHECK(jar.size() == 0);

    jar.store("a=1", shop, "/", now);
    jar.store("a=; Expires=Thu, 01-Jan-70 00:00:01 GMT", shop, "/", now);
    CHECK(jar.size() == 0);
}

TEST_CASE("a cookie is replaced by one of the same name, domain and path", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("a=1", shop, "/", now);
    jar.store("a=2", shop, "/", now);
    jar.store("a=3; Path=/x", shop, "/", now);

    CHECK(jar.size() == 2);
    CHECK(sent(jar, shop) == "a=2");
}

TEST_CASE("what is no cookie is ignored", "[http][cookies]") {
    http::cookie_jar jar;
    for (std::string const bad : {"", "novalue", "=x", "a\x01=b", ";", "a=b\x7f"}) jar.store(bad, shop, "/", now);
    jar.store("big=" + std::string(10'000, 'x'), shop, "/", now);
    jar.store("__Host-a=1; Secure; Domain=example.com; Path=/", shop, "/", now);
    jar.store("__Secure-a=1", shop, "/", now);

    CHECK(jar.size() == 0);
    jar.store("__Host-a=1; Secure; Path=/", shop, "/", now);
    CHECK(jar.size() == 1);
}

TEST_CASE("a host cannot fill the jar", "[http][cookies]") {
    http::cookie_jar jar;
    jar.store("keep=1", sibling, "/", now);
    for (int i = 0; i < 500; ++i) jar.store("c" + std::to_string(i) + "=1", shop, "/", now);

    CHECK(jar.size() == 101);
    CHECK(sent(jar, sibling) == "keep=1");
}

TEST_CASE("a huge or negative Max-Age is within bounds", "[http][cookies]") {
    auto far = http::parse_set_cookie("a=1; Max-Age=99999999999999999999", shop, "/", now);
    REQUIRE(far);
    CHECK(far->expires == now + std::chrono::days(400));

    auto gone = http::parse_set_cookie("a=1; Max-Age=-5", shop, "/", now);
    REQUIRE(gone);
    CHECK(*gone->expires < now);
    CHECK(http::parse_set_cookie("a=1; Max-Age=soon", shop, "/", now)->expires == std::nullopt);
}

TEST_CASE("dates are read in every format that HTTP ever had", "[http][date]") {
    auto expected = http::date(std::chrono::sys_days(std::chrono::year(1994) / 11 / 6)) + 8h + 49min + 37s;

    CHECK(http::parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == expected);
    CHECK(http::parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == expected);
    CHECK(http::parse_date("Sun Nov  6 08:49:37 1994") == expected);
    CHECK(http::format_date(expected) == "Sun, 06 Nov 1994 08:49:37 GMT");
    for (std::string const bad : {"", "yesterday", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 30 Feb 1994 08:49:37 GMT",
                                  "Sun, 06 Nov 1994 24:00:00 GMT", "06 Nov 1994", "Sun, 06 Nov 1500 08:49:37 GMT"}) {
        CAPTURE(bad);
        CHECK(http::parse_date(bad) == std::nullopt);
    }
}
