// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <regex>

#include <effects/test/run.hpp>
#include <effects/test/text.hpp>

namespace test = effects::test;

TEST_CASE("text patterns accept what their names say", "[test][text]") {
    CHECK(test::starts_with("ab")("abc"));
    CHECK_FALSE(test::starts_with("ab")("a"));
    CHECK(test::ends_with("bc")("abc"));
    CHECK_FALSE(test::ends_with("bc")("bcd"));
    CHECK(test::contains("b")("abc"));
    CHECK_FALSE(test::contains("x")("abc"));
    CHECK(test::equals("abc")("abc"));
    CHECK_FALSE(test::equals("abc")("abcd"));
}

TEST_CASE("the empty text is in every text", "[test][text]") {
    CHECK(test::starts_with("")(""));
    CHECK(test::contains("")("x"));
    CHECK_FALSE(test::equals("")("x"));
}

TEST_CASE("a regex has to match all of the text", "[test][text]") {
    CHECK(test::matches("a+b")("aab"));
    CHECK_FALSE(test::matches("a+b")("aabc"));
    CHECK_THROWS_AS(test::matches("("), std::regex_error);
}

TEST_CASE("a regex may refer back to its groups", "[test][text]") {
    CHECK(test::matches("(a+)-\\1")("aa-aa"));
    CHECK_FALSE(test::matches("(a+)-\\1")("aa-a"));
}

TEST_CASE("a regex matches a long text on the small stack of a task", "[test][text]") {
    auto pattern = test::matches("(a|b)*c");

    CHECK(test::run([&] { return pattern(std::string(100'000, 'a') + "c"); }));
}

TEST_CASE("a string is a text pattern of itself", "[test][text]") {
    test::text_pattern literal = "abc";
    test::text_pattern string = std::string("abc");

    CHECK(literal("abc"));
    CHECK_FALSE(string("ab"));
    CHECK(literal.description() == "\"abc\"");
    CHECK(test::matches("a.c").description() == "a text that matches \"a.c\"");
    CHECK(test::contains("\n").description() == "a text that contains \"\\n\"");
}
