// SPDX-License-Identifier: BSL-1.0
#include <effects/net/endpoint.hpp>

#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

using effects::net::endpoint;

TEST_CASE("an endpoint prints as host:port, an IPv6 address in brackets", "[net][endpoint]") {
    CHECK(endpoint{"127.0.0.1", 8080}.text() == "127.0.0.1:8080");
    CHECK(endpoint{"example.com", 0}.text() == "example.com:0");
    CHECK(endpoint{"::1", 443}.text() == "[::1]:443");

    std::ostringstream out;
    out << endpoint{"fe80::1%eth0", 65535};
    CHECK(out.str() == "[fe80::1%eth0]:65535");
}

TEST_CASE("parsing an endpoint reverses its text", "[net][endpoint]") {
    std::vector<endpoint> const all = {{"127.0.0.1", 80},      {"localhost", 0},       {"::", 1},
                                       {"::1", 65535},         {"fe80::1%eth0", 8080}, {"a_b-c.example", 443},
                                       {"bücher.example", 443}};
    for (endpoint const& at : all) {
        CAPTURE(at);
        CHECK(endpoint::parse(at.text()) == at);
    }
}

TEST_CASE("an endpoint can be a Unix domain socket", "[net][endpoint]") {
    endpoint const file = endpoint::unix_socket("/run/a b.sock");
    CHECK(file.text() == "unix:/run/a b.sock");
    CHECK(file.is_unix_socket());
    CHECK(file.path() == "/run/a b.sock");
    for (char const* text : {"unix:/run/a b.sock", "unix:./x", "unix:../x", "unix:@abstract", "unix:/odd:80"}) {
        CAPTURE(text);
        CHECK(endpoint::parse(text).is_unix_socket());
        CHECK(endpoint::parse(text).text() == text);
    }

    CHECK(endpoint::parse("unix:80") == endpoint{"unix", 80});
    CHECK_FALSE(endpoint{"unix", 80}.is_unix_socket());
    CHECK(endpoint{"::1", 80}.path().empty());
    CHECK_THROWS_AS(endpoint::parse(std::string("unix:/a\0b", 9)), std::invalid_argument);
    CHECK_THROWS_AS(endpoint::parse("unix:"), std::invalid_argument);
}

TEST_CASE("text that is no endpoint is quoted, with what is wrong with it", "[net][endpoint]") {
    std::vector<std::pair<std::string, std::string>> const bad = {
        {"", "no port"},
        {"localhost", "no port"},
        {"localhost:", "no port"},
        {":80", "no host"},
        {"localhost:http", "not a number"},
        {"localhost:-1", "not a number"},
        {"localhost:+80", "not a number"},
        {"localhost: 80", "not a number"},
        {"localhost:80 ", "not a number"},
        {"localhost:65536", "not a number"},
        {"localhost:99999999999999999999", "not a number"},
        {"::1", "must be in brackets"},
        {"::1:80", "must be in brackets"},
        {"[::1", "not closed"},
        {"[::1]", "no port"},
        {"[::1]:", "no port"},
        {"[::1]80", "must be followed"},
        {"[::1]:80:80", "not a number"},
        {"[]:80", "only an IPv6 address"},
        {"[localhost]:80", "only an IPv6 address"},
        {"[127.0.0.1]:80", "only an IPv6 address"},
        {"[::1%]:80", "only an IPv6 address"},
        {"[:::1]:80", "only an IPv6 address"},
        {"user@host:80", "cannot be in a host's name"},
        {"http//host:80", "cannot be in a host's name"},
        {"a b:80", "cannot be in a host's name"},
        {"a]:80", "cannot be in a host's name"},
    };
    for (auto const& [text, reason] : bad) {
        CAPTURE(text);
        CHECK_THROWS_MATCHES(
            endpoint::parse(text), std::invalid_argument,
            Catch::Matchers::Predicate<std::invalid_argument>([&, r = reason, t = text](auto const& e) {
                std::string const what = e.what();
                return what.find(r) != what.npos && what.find('"' + t + '"') != what.npos;
            }));
    }
}

TEST_CASE("an endpoint's text is quoted without control characters and not without end", "[net][endpoint]") {
    try {
        endpoint::parse("a\r\n\x7f" + std::string(1, '\0') + std::string(1000, 'x'));
        FAIL("it parsed");
    } catch (std::invalid_argument const& e) {
        std::string const what = e.what();
        CHECK(what.find("\"a\\x0d\\x0a\\x7f\\x00xxx") != what.npos);
        CHECK(what.size() < 250);
    }
}

TEST_CASE("endpoints compare by host, then port", "[net][endpoint]") {
    CHECK(endpoint{"a", 2} == endpoint{"a", 2});
    CHECK(endpoint{"a", 2} != endpoint{"a", 3});
    CHECK(endpoint{"a", 2} < endpoint{"b", 1});
    CHECK(endpoint{"a", 1} < endpoint{"a", 2});
}
