// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/http/error.hpp>
#include <effects/http/request.hpp>
#include <effects/http/url.hpp>

#include "http/url_parts.hpp"

namespace http = effects::http;

TEST_CASE("references are resolved as RFC 3986, section 5.4, has them", "[http][url]") {
    std::string const base = "http://a/b/c/d;p?q";
    std::vector<std::pair<std::string, std::string>> const examples{
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
    };

    for (auto const& [reference, expected] : examples) {
        CAPTURE(reference);
        CHECK(http::join_url(base, reference) == expected);
    }
}

TEST_CASE("joining leaves escapes as they were given", "[http][url]") {
    CHECK(http::join_url("https://x/v1/", "a%28%2fb?s=%7e") == "https://x/v1/a%28%2fb?s=%7e");
    CHECK(http::join_url("https://x/v1/", "https://y/%7E/../b") == "https://y/%7E/../b");
    CHECK_THROWS_AS(http::join_url("/relative", "a"), std::invalid_argument);
    CHECK_THROWS_AS(http::join_url("https://x/", "a b"), std::invalid_argument);
}

TEST_CASE("a URL is taken apart for a request", "[http][url]") {
    auto u = http::split_url("HTTPS://User:p%40ss@Shop.Example:8443/a/b?c=d#e");

    CHECK(u.origin == http::origin{true, "shop.example", 8443});
    CHECK(u.origin.authority() == "shop.example:8443");
    CHECK(u.target == "/a/b?c=d");
    CHECK(u.path == "/a/b");
    CHECK(u.user == "User");
    CHECK(u.password == "p@ss");
}

TEST_CASE("a URL without port or path has the scheme's and the root", "[http][url]") {
    CHECK(http::split_url("http://x").origin.port == 80);
    CHECK(http::split_url("https://x?q").origin.port == 443);
    CHECK(http::split_url("https://x?q").target == "/?q");
    CHECK(http::split_url("http://x:/").origin.port == 80);
    CHECK(http::split_url("http://x").origin.authority() == "x");
}

TEST_CASE("a plain URL is taken apart as the grammar has it", "[http][url]") {
    // A fragment, which no request sends, is not plain.
    for (std::string const url :
         {"http://x", "https://x", "http://x/", "http://x?", "http://x?/?",
          "http://shop.example/a//b;c=1/@:'()*!$&,+~_-.", "https://127.0.0.1:8443/v1/orders?limit=10&after=a/b",
          "http://x:080/y", "http://x:65535", "http://a..b-/"}) {
        auto const plain = http::split_url(url);
        auto const whole = http::split_url(url + "#f");

        INFO(url);
        CHECK(plain.origin == whole.origin);
        CHECK(plain.path == whole.path);
        CHECK(plain.target == whole.target);
        CHECK_FALSE(plain.has_userinfo);
    }
    for (std::string const url :
         {"http://x:0/", "http://x:65536/", "http://x:+80/", "http://x:8 0/", "http://x/ ", "http://x/a%zz",
          "http://x/<b>", "http:/x", "http://:80/", "http://x/a|b", "http://x/\xc3\xa4"}) {
        INFO(url);
        CHECK_THROWS_AS(http::split_url(url), std::invalid_argument);
    }
}

TEST_CASE("a request to a URL with a sign in its port is refused when it is made", "[http][url]") {
    CHECK_THROWS_AS(http::get("http://x:+80/"), std::invalid_argument);
}

TEST_CASE("an IPv6 host has brackets in the authority only", "[http][url]") {
    auto u = http::split_url("http://[::1]:8080/");

    CHECK(u.origin.host == "::1");
    CHECK(u.origin.authority() == "[::1]:8080");
}

TEST_CASE("a URL that no request can go to is refused", "[http][url]") {
    CHECK_THROWS_AS(http::split_url("/relative"), std::invalid_argument);
    CHECK_THROWS_AS(http::split_url("http:///path"), std::invalid_argument);
    CHECK_THROWS_AS(http::split_url("http://x:99999/"), std::invalid_argument);
    CHECK_THROWS_AS(http::split_url("http://x:0/"), std::invalid_argument);
    CHECK_THROWS_AS(http::split_url("http://a%0d%0aX-Evil:1/"), std::invalid_argument);
    CHECK_THROWS_MATCHES(
        http::split_url("ftp://x/"), http::error,
        Catch::Predicate<http::error>([](http::error const& e) { return e.code() == http::errc::unsupported_scheme; }));
}

TEST_CASE("percent encoding and decoding are each other's reverse", "[http][url]") {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);

    CHECK(http::percent_decode(http::percent_encode(all)) == all);
    CHECK(http::percent_encode("50% off/ü~") == "50%25%20off%2F%C3%BC~");
    CHECK_THROWS_AS(http::percent_decode("a%2"), std::invalid_argument);
    CHECK_THROWS_AS(http::percent_decode("%gg"), std::invalid_argument);
}

TEST_CASE("decoding a form never fails", "[http][url]") {
    CHECK(http::decode_form("a=1&b=x+y%21&&c&=d&bad=%zz%2") ==
          std::vector<http::field>{{"a", "1"}, {"b", "x y!"}, {"c", ""}, {"", "d"}, {"bad", "%zz%2"}});
    CHECK(http::decode_form("").empty());
}

TEST_CASE("a redacted URL keeps what is no secret", "[http][url]") {
    CHECK(http::redacted_url("https://u:pw@h/p?a=1&access_token=x&sig=y#f") ==
          "https://***@h/p?a=1&access_token=***&sig=***#f");
    CHECK(http::redacted_url("https://h/p@q?x=a@b") == "https://h/p@q?x=a@b");
    CHECK(http::redacted_url("http://h:8080/@scope/p?x=a@b#c@d") == "http://h:8080/@scope/p?x=a@b#c@d");
    CHECK(http::redacted_url("http://[::1]/p@q") == "http://[::1]/p@q");
    CHECK(http::redacted_url("/path?api_key=1") == "/path?api_key=***");
    CHECK(http::redacted_url("").empty());
    CHECK(http::redacted_url("https://h/?") == "https://h/?");
    CHECK(http::redacted_url("https://h/a#b") == "https://h/a#b");
    CHECK(http::redacted_url("https://h/a#token=1&b=2?key=3") == "https://h/a#token=***&b=2?key=***");
    CHECK(http::redacted_url("https://h?key=1#key=2") == "https://h?key=***#key=***");
    CHECK(http::redacted_url("#") == "#");
}

TEST_CASE("a password with '/', '?' or '#' in it, or a secret for a user, is not shown in messages", "[http][url]") {
    for (std::string const user : {"api:k3y/abc+def", "api:k3y?abc", "api:k3y#abc", "api:k3 y/abc", "u:p@ss/w",
                                   "u:p@s?w", "sk_live_k3y", "k3y:", ":k3y"}) {
        CAPTURE(user);
        CHECK(http::redacted_url("https://" + user + "@host/p?x=1") == "https://***@host/p?x=1");
        CHECK(http::redacted_url("//" + user + "@host/p") == "//***@host/p");
    }
}

TEST_CASE("a token in a URL's fragment is not shown in messages", "[http][url]") {
    CHECK(http::redacted_url("https://h/cb#access_token=k3y&x=1") == "https://h/cb#access_token=***&x=1");
    CHECK(http::redacted_url("https://h/#/r?token=k3y") == "https://h/#/r?token=***");
    CHECK(http::redacted_url("/?access%5Ftoken=k3y;b=2") == "/?access%5Ftoken=***;b=2");
    CHECK(http::redacted_url("/?token=k3y&next=http://u:p@h/") == "/?token=***&next=http://***@h/");
}

TEST_CASE("a port that is no number is refused, not cut off at its first letter", "[http][url]") {
    for (std::string const url : {"http://host:808O/p", "http://host:80a", "http://host:a80/p", "http://[::1]:9x/p",
                                  "http://u@host:9x/p", "http://1.2.3.4:80x?q"}) {
        CAPTURE(url);
        CHECK_THROWS_AS(http::split_url(url), std::invalid_argument);
        CHECK_THROWS_AS(http::check_url(url), std::invalid_argument);
        CHECK_THROWS_AS(http::join_url("http://base/", url), std::invalid_argument);
        CHECK_THROWS_AS(http::join_url(url, "/p"), std::invalid_argument);
        CHECK_THROWS_AS(http::get(url), std::invalid_argument);
    }
    CHECK_THROWS_AS(http::join_url("http://base/", "//host:9x/p"), std::invalid_argument);
}
