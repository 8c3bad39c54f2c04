// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/sql/result.hpp>

#include <algorithm>
#include <array>
#include <ranges>
#include <sstream>
#include <tuple>

#include <boost/describe/class.hpp>

namespace sql = effects::sql;

namespace {

struct line {
    std::string sku;
    int qty;
    std::optional<double> price;
    bool operator==(line const&) const = default;
};
struct one_member {
    std::optional<std::string> note;
};
struct described_base {
    long id = 0;
};
struct described : described_base {
    std::string sku;
    int qty = 0;
};
BOOST_DESCRIBE_STRUCT(described_base, (), (id))
BOOST_DESCRIBE_STRUCT(described, (described_base), (sku, qty))

sql::result stock() { return sql::table{{"sku", "qty", "price"}, {{"A1", 5, 2.5}, {"B2", 0, sql::null}}}; }

struct fake_json {
    std::string text;
    static fake_json parse(std::string const& t) { return {"parsed " + t}; }
};

template <class T>
std::string shown(T const& v) {
    std::ostringstream out;
    out << v;
    return out.str();
}

} // namespace

static_assert(std::ranges::random_access_range<sql::result>);

TEST_CASE("a table written by hand is a result", "[sql][result]") {
    auto const r = stock();

    CHECK(r.size() == 2);
    CHECK_FALSE(r.empty());
    CHECK(r.columns() == std::vector<std::string>{"sku", "qty", "price"});
    CHECK(r[0].get<std::string>("sku") == "A1");
    CHECK(r[1].get<int>(1) == 0);
    CHECK(r[1]["price"].is_null());
}

TEST_CASE("one() gives the only row's only value", "[sql][result]") {
    sql::result const r = sql::table{{"qty"}, {{5}}};

    CHECK(r.one<int>() == 5);
    CHECK(r.one<std::optional<long>>() == 5);
    CHECK(r.one<sql::value>() == sql::value(5));
    CHECK(r.one().get<int>("qty") == 5);
}

TEST_CASE("one() of no row and of two rows says so", "[sql][result]") {
    CHECK_THROWS_AS(sql::no_rows().one<int>(), sql::row_missing);
    CHECK_THROWS_AS(stock().one<line>(), sql::too_many_rows);
    CHECK_THROWS_WITH(stock().one<line>(), "2 rows where one is wanted");
    CHECK_THROWS_AS(stock().maybe_one<line>(), sql::too_many_rows);
}

TEST_CASE("maybe_one() gives nothing for no row", "[sql][result]") {
    CHECK(sql::no_rows().maybe_one<int>() == std::nullopt);
    CHECK(sql::result(sql::table{{"qty"}, {}}).maybe_one<int>() == std::nullopt);
    auto const null_in_it = sql::result(sql::table{{"qty"}, {{sql::null}}}).maybe_one<std::optional<int>>();
    REQUIRE(null_in_it.has_value());
    CHECK_FALSE(null_in_it->has_value());
}

TEST_CASE("rows are read as aggregates, by position", "[sql][result][struct]") {
    auto const lines = stock().all<line>();

    CHECK(lines == std::vector<line>{{"A1", 5, 2.5}, {"B2", 0, std::nullopt}});
    CHECK(sql::result(sql::table{{"note"}, {{sql::null}}}).one<one_member>().note == std::nullopt);
}

TEST_CASE("rows are read as tuples and pairs, by position", "[sql][result][struct]") {
    CHECK(stock()[0].as<std::tuple<std::string, long, std::optional<double>>>() == std::tuple("A1", 5, 2.5));
    sql::result const r = sql::table{{"a", "b"}, {{1, 2}}};
    CHECK(r.one<std::pair<int, int>>() == std::pair(1, 2));
    CHECK(r.one<std::array<int, 2>>() == std::array{1, 2});
}

TEST_CASE("rows are read as described structs by name, whatever the order", "[sql][result][struct]") {
    sql::result const r = sql::table{{"qty", "id", "note", "sku"}, {{5, 9, "unused", "A1"}}};

    auto const d = r.one<described>();

    CHECK(d.id == 9);
    CHECK(d.sku == "A1");
    CHECK(d.qty == 5);
    CHECK_THROWS_WITH(sql::result(sql::table{{"qty", "id"}, {{1, 2}}}).one<described>(),
                      "no column 'sku' in the row; its columns: qty, id");
}

TEST_CASE("a row of another width than asked for is refused", "[sql][result][struct]") {
    CHECK_THROWS_WITH(stock()[0].as<int>(), "3 columns (sku, qty, price) cannot be read as 1 value");
    CHECK_THROWS_AS((stock()[0].as<std::pair<std::string, int>>()), sql::conversion_error);
    CHECK_THROWS_WITH(sql::result(sql::table{{"sku"}, {{"A1"}}}).one<line>(),
                      "1 column (sku) cannot be read as 3 values");
}

TEST_CASE("a wrong type names the row, the column and both types", "[sql][result]") {
    sql::result const r = sql::table{{"sku", "qty"}, {{"A1", 5}, {"B2", "abc"}}};
    using pair = std::pair<std::string, int>;

    CHECK_THROWS_WITH(r.all<pair>(),
                      "while reading column 'qty' (number 1) of row 1: text cannot be read as a 32-bit integer");
    CHECK_THROWS_AS(r.all<pair>(), sql::conversion_error);
}

TEST_CASE("the errors of a result that came from a statement name the statement", "[sql][result]") {
    auto layout = std::make_shared<sql::row_layout const>(
        sql::row_layout{.columns = {"qty"}, .query = "select qty\n      from stock"});
    sql::result const none(layout, {}, 0);
    sql::result const text(layout, {"abc"}, 0);

    CHECK_THROWS_WITH(none.one<int>(), "while running \"select qty from stock\": no row where one is wanted");
    CHECK_THROWS_WITH(text.one<int>(),
                      "while running \"select qty from stock\": while reading column 'qty' (number 0) of "
                      "row 0: text cannot be read as a 32-bit integer");
    CHECK_THROWS_WITH((text.one<std::pair<int, int>>()),
                      "while running \"select qty from stock\": 1 column (qty) cannot be read as 2 values");
}

TEST_CASE("a long statement is cut in messages", "[sql][result]") {
    auto layout = std::make_shared<sql::row_layout const>(
        sql::row_layout{.columns = {"a"}, .query = "select '" + std::string(1000, 'x') + "'"});
    std::string message;

    try {
        sql::result(layout, {}, 0).one<int>();
    } catch (sql::error const& e) {
        message = e.what();
    }

    CHECK(message.size() < 300);
    CHECK_THAT(message, Catch::Matchers::Contains("xxx…\": no row"));
}

TEST_CASE("a column or a row that is not there is out of range", "[sql][result]") {
    auto const r = stock();

    CHECK_THROWS_AS(r[2], std::out_of_range);
    CHECK_THROWS_AS(r[0][3], std::out_of_range);
    CHECK_THROWS_WITH(r[0]["nme"], "no column 'nme' in the row; its columns: sku, qty, price");
    CHECK_THROWS_AS(sql::row().at(std::size_t{0}), std::out_of_range);
}

TEST_CASE("a name that two columns have is not guessed at", "[sql][result]") {
    sql::result const r = sql::table{{"id", "id"}, {{1, 2}}};

    CHECK_THROWS_AS(r[0]["id"], std::out_of_range);
    CHECK(r[0].get<int>(1) == 2);
}

TEST_CASE("iteration gives rows that outlive the result", "[sql][result]") {
    std::vector<sql::row> kept;
    for (auto const& r : stock()) kept.push_back(r);

    CHECK(kept.size() == 2);
    CHECK(kept[1].get<std::string>(0) == "B2");
    auto const r = stock();
    CHECK((r.end() - r.begin()) == 2);
    CHECK(r.begin()[1] == kept[1]);
    CHECK(std::ranges::count_if(r, [](sql::row const& row) { return row.get<int>("qty") == 0; }) == 1);
}

TEST_CASE("accessors of a temporary row give values", "[sql][result]") {
    static_assert(std::is_same_v<decltype(stock()[0]["sku"]), sql::value>);
    static_assert(std::is_same_v<decltype(stock().columns()), std::vector<std::string>>);

    auto const cell = stock()[0]["sku"];

    CHECK(cell == sql::value("A1"));
}

TEST_CASE("results compare by columns, cells and rows affected", "[sql][result]") {
    CHECK(stock() == stock());
    CHECK(stock() != sql::no_rows());
    CHECK(sql::affected(1) != sql::affected(2));
    CHECK(sql::affected(0) == sql::no_rows());
    CHECK(stock() != sql::result(sql::table{{"sku", "qty", "price"}, {{"A1", 5, 2.5}, {"B2", 1, sql::null}}}));
    CHECK(sql::affected(3).rows_affected() == 3);
    CHECK(sql::result(sql::table{{"id"}, {{1}}}.affected(1)).rows_affected() == 1);
}

TEST_CASE("a table whose rows have another width than its columns is refused", "[sql][result]") {
    CHECK_THROWS_AS((sql::table{{"a", "b"}, {{1}}}), std::invalid_argument);
    CHECK_THROWS_AS((sql::table{{"a"}, {{1}, {1, 2}}}), std::invalid_argument);
    CHECK_THROWS_AS((sql::table{{}, {{}}}), std::invalid_argument);
    CHECK_THROWS_WITH((sql::table{{"a"}, {{1}, {1, 2}}}), "sql::table: row 1 has 2 values for 1 column (a)");
}

TEST_CASE("two texts in a row are two values", "[sql][result]") {
    sql::result const r = sql::table{{"a", "b"}, {{"x", "y"}}};

    CHECK(r.one<std::pair<std::string, std::string>>() == std::pair<std::string, std::string>("x", "y"));
}

TEST_CASE("a JSON column is parsed by the type that is asked for", "[sql][result]") {
    sql::result const r = sql::table{{"doc"}, {{R"({"a":1})"}}};

    CHECK(r[0].json<fake_json>("doc").text == R"(parsed {"a":1})");
    CHECK(r[0].json<fake_json>(0u).text == R"(parsed {"a":1})");
}

TEST_CASE("rows and results print what they hold", "[sql][result]") {
    CHECK(shown(stock()[1]) == "{sku: 'B2', qty: 0, price: null}");
    CHECK(shown(sql::affected(1)) == "1 row affected");
    CHECK(shown(sql::result(sql::table{{"a"}, {{1}, {2}}})) == "2 rows of (a): {a: 1}, {a: 2}");
    sql::result const many = sql::table({"a"}, std::vector<std::vector<sql::value>>(20, {1}));
    CHECK_THAT(shown(many), Catch::Matchers::EndsWith(", …"));
}
