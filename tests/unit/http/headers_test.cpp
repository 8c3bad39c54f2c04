// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <sstream>

#include <effects/http/headers.hpp>

namespace http = effects::http;

TEST_CASE("a header is found whatever the case of its name, and keeps the case it was given", "[http][headers]") {
    http::headers h{{"Content-Type", "text/html"}};

    CHECK(h.get("content-TYPE") == "text/html");
    CHECK(h.contains("CONTENT-type"));
    CHECK(h.begin()->name == "Content-Type");
    CHECK_FALSE(h.contains("Content-Typ"));
    CHECK(h.get("Accept") == std::nullopt);
}

TEST_CASE("set replaces every field of a name in the place of the first", "[http][headers]") {
    http::headers h{{"A", "1"}, {"X", "old"}, {"B", "2"}, {"x", "older"}};

    h.set("x", "new");

    REQUIRE(h.size() == 3);
    CHECK(h.all("X") == std::vector<std::string>{"new"});
    CHECK((h.begin() + 1)->value == "new");
}

TEST_CASE("add repeats a field and all gives its values in order", "[http][headers]") {
    http::headers h;
    h.add("Via", "a");
    h.add("VIA", "b");

    CHECK(h.all("via") == std::vector<std::string>{"a", "b"});
    CHECK(h.get("via") == "a");
    CHECK(h.erase("Via") == 2);
    CHECK(h.empty());
}

TEST_CASE("a line break in a header's name or value is refused, and the value is not told", "[http][headers]") {
    http::headers h;

    CHECK_THROWS_AS(h.add("X\r\nEvil", "1"), std::invalid_argument);
    CHECK_THROWS_AS(h.add("", "1"), std::invalid_argument);
    CHECK_THROWS_AS(h.add("a b", "1"), std::invalid_argument);
    CHECK_THROWS_AS(h.set("X", std::string("a\0b", 3)), std::invalid_argument);
    CHECK_THROWS_WITH(h.set("Authorization", "secret\r\nX: y"),
                      Catch::Contains("Authorization") && Catch::Contains("6") && !Catch::Contains("secret"));
    CHECK(h.empty());
}

TEST_CASE("headers are equal when each name has the same values, whatever the order of names", "[http][headers]") {
    CHECK(http::headers{{"A", "1"}, {"B", "2"}} == http::headers{{"b", "2"}, {"a", "1"}});
    CHECK_FALSE(http::headers{{"A", "1"}, {"A", "2"}} == http::headers{{"A", "2"}, {"A", "1"}});
    CHECK_FALSE(http::headers{{"A", "1"}} == http::headers{{"A", "1"}, {"A", "1"}});
    CHECK_FALSE(http::headers{{"A", "x"}} == http::headers{{"A", "X"}});
}

TEST_CASE("printed headers show no credentials", "[http][headers]") {
    std::ostringstream out;
    out << http::headers{
        {"Authorization", "Bearer s3cret"}, {"cookie", "sid=s3cret"}, {"X-API-Key", "s3cret"}, {"Accept", "text/html"}};

    CHECK_THAT(out.str(), !Catch::Contains("s3cret") && Catch::Contains("Accept: text/html"));
}

TEST_CASE("blanks around a header's value are no part of it", "[http][headers]") {
    http::headers h{{"X", " \t a b \t"}};

    CHECK(h.get("X") == "a b");
}
