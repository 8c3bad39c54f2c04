// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <any>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "shop.hpp"

using effects::test::describe;
using namespace std::literals;

namespace shapes {

enum class color { red, green };

struct empty {};
struct one {
    std::string text;
};
struct nested {
    one first;
    std::vector<int> numbers;
};
struct twelve {
    int a, b, c, d, e, f, g, h, i, j, k, l;
};
struct thirteen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m;
};
struct with_array {
    int numbers[3];
};
struct with_base : one {
    int more;
};
struct with_optional {
    std::optional<int> number;
    std::chrono::milliseconds limit;
    color paint;
};
struct with_any {
    int number;
    std::any anything;
    std::string text;
};
struct with_json {
    nlohmann::json document;
    std::string text;
};
struct with_function {
    int number;
    std::function<void()> call;
};
struct with_reference {
    int number;
    int& of;
};
struct with_variant {
    std::variant<int, std::string> either;
    int number;
};
struct move_only {
    std::unique_ptr<int> pointer;
    int number;
};
struct no_default {
    explicit no_default(int) {}
};
struct with_no_default {
    int number;
    no_default other;
};
struct polymorphic {
    virtual ~polymorphic() = default;
};

} // namespace shapes

TEST_CASE("values are described as one would write them", "[test][describe]") {
    CHECK(describe(true) == "true");
    CHECK(describe(-5) == "-5");
    CHECK(describe(18446744073709551615u) == "18446744073709551615");
    CHECK(describe(0.1) == "0.1");
    CHECK(describe('x') == "\"x\"");
    CHECK(describe("text"s) == "\"text\"");
    CHECK(describe("text"sv) == "\"text\"");
    CHECK(describe("text") == "\"text\"");
    CHECK(describe(2s) == "2 s");
    CHECK(describe(250ms) == "250 ms");
    CHECK(describe(nullptr) == "none");
}

TEST_CASE("what would not be seen in a text is escaped", "[test][describe]") {
    CHECK(describe("a\"b\\c\nd\te\x01\x7f"s) == R"("a\"b\\c\nd\te\x01\x7f")");
    CHECK(describe("ä"s) == "\"ä\"");
}

TEST_CASE("a long text is cut and says how long it is", "[test][describe]") {
    CHECK(describe(std::string(5000, 'x')) == "\"" + std::string(1024, 'x') + "\"… (5000 bytes)");
}

TEST_CASE("optionals, pointers, ranges, maps and tuples are described by what is in them", "[test][describe]") {
    int n = 3;
    CHECK(describe(std::optional<int>()) == "none");
    CHECK(describe(std::optional(5)) == "5");
    CHECK(describe(std::vector{1, 2}) == "[1, 2]");
    CHECK(describe(std::vector<std::string>{}) == "[]");
    CHECK(describe(std::map<std::string, int>{{"a", 1}}) == "[(\"a\", 1)]");
    CHECK(describe(std::tuple(1, "x"s)) == "(1, \"x\")");
    CHECK(describe(&n) == "a pointer");
    CHECK(describe(static_cast<int*>(nullptr)) == "none");
    CHECK(describe(std::vector<int>(30, 1)).ends_with(", 1, …]"));
}

TEST_CASE("enums without << are described by type and number", "[test][describe]") {
    CHECK(describe(shapes::color::green) == "shapes::color(1)");
}

TEST_CASE("plain structs are described by their members", "[test][describe]") {
    CHECK(describe(shapes::empty{}) == "shapes::empty{}");
    CHECK(describe(shapes::one{"x"}) == "shapes::one{\"x\"}");
    CHECK(describe(shapes::nested{{"x"}, {1}}) == "shapes::nested{shapes::one{\"x\"}, [1]}");
    CHECK(describe(shapes::twelve{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}) ==
          "shapes::twelve{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}");
    CHECK(describe(shapes::with_optional{5, 3ms, shapes::color::red}) ==
          "shapes::with_optional{5, 3 ms, shapes::color(0)}");
    CHECK(describe(shapes::with_json{{{"a", 1}}, "x"}) == "shapes::with_json{{\"a\":1}, \"x\"}");
    CHECK_THAT(describe(shapes::with_any{1, 2, "x"}), Catch::StartsWith("shapes::with_any{1, std::any, \"x\"}"));
    CHECK_THAT(describe(shapes::with_function{1, {}}), Catch::StartsWith("shapes::with_function{1, std::function<"));
    CHECK_THAT(describe(shapes::with_variant{5, 6}), Catch::StartsWith("shapes::with_variant{std::variant<"));
    CHECK_THAT(describe(shapes::move_only{nullptr, 6}), Catch::EndsWith(", 6}"));
    CHECK(describe(shapes::with_no_default{1, shapes::no_default(2)}) ==
          "shapes::with_no_default{1, shapes::no_default}");
}

TEST_CASE("what can't be taken apart is described by its type", "[test][describe]") {
    int n = 1;
    CHECK(describe(shapes::thirteen{}) == "shapes::thirteen");
    CHECK(describe(shapes::with_array{{1, 2, 3}}) == "shapes::with_array");
    CHECK(describe(shapes::with_base{{"x"}, 1}) == "shapes::with_base");
    CHECK(describe(shapes::with_reference{1, n}) == "shapes::with_reference");
    CHECK(describe(shapes::polymorphic{}) == "shapes::polymorphic");
    CHECK(describe(shop::sealed(1)) == "shop::sealed");
}

TEST_CASE("an operator<< goes before the members", "[test][describe]") {
    CHECK(describe(shop::find_price{"x", 2}) == "price of 2 x");
}
