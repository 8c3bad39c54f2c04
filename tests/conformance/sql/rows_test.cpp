// SPDX-License-Identifier: BSL-1.0
#include <optional>
#include <tuple>

#include <boost/describe/class.hpp>

#include "databases.hpp"

namespace sql = effects::sql;
using Catch::Matchers::Contains;

namespace {

struct stock_line { // read by position
    std::string sku;
    int qty;
    std::optional<double> price;
    bool operator==(stock_line const&) const = default;
};

struct named_line { // read by name
    int n_qty = 0;
    std::string sku;
    bool operator==(named_line const&) const = default;
};
BOOST_DESCRIBE_STRUCT(named_line, (), (n_qty, sku))

std::vector<std::string> const columns{"sku", "n_qty", "r_price"};
std::vector<sql::value> const a1{"A1", 5, 1.5};
std::vector<sql::value> const b2{"B2", 0, sql::null};

} // namespace

FROM_EVERY_SOURCE("one() wants exactly one row", "[sql][result]") {
    CHECK(from.rows({"n_x"}, {{7}}).one<int>() == 7);

    auto const none = error_of<sql::row_missing>([&] { (void)from.rows(columns, {}).one(); });
    CHECK(none.code() == sql::errc::no_rows);
    CHECK_THAT(none.what(), Contains("no row"));
    auto const two = error_of<sql::too_many_rows>([&] { (void)from.rows(columns, {a1, b2}).one(); });
    CHECK(two.code() == sql::errc::too_many_rows);
    CHECK_THAT(two.what(), Contains("2 rows"));
    if (!from.names_statements) return;
    CHECK_THAT(none.what(), Contains("while running \"select sku, n_qty, r_price from t"));
    CHECK_THAT(two.what(), Contains("while running \"select sku, n_qty, r_price from t"));
}

FROM_EVERY_SOURCE("maybe_one() gives nothing for no row, and refuses two", "[sql][result]") {
    CHECK(from.rows({"n_x"}, {}).maybe_one<int>() == std::nullopt);
    CHECK(from.rows({"n_x"}, {{7}}).maybe_one<int>() == 7);
    CHECK(from.rows({"n_x"}, {{sql::null}}).maybe_one<std::optional<int>>() ==
          std::optional<std::optional<int>>(std::optional<int>{}));
    CHECK_THROWS_AS(from.rows({"n_x"}, {{7}, {8}}).maybe_one<int>(), sql::too_many_rows);
}

FROM_EVERY_SOURCE("all() gives every row in order, also none", "[sql][result]") {
    CHECK(from.rows({"n_x"}, {}).all<int>().empty());
    CHECK(from.rows({"n_x"}, {{7}}).all<int>() == std::vector{7});
    CHECK(from.rows({"n_x"}, {{7}, {8}}).all<int>() == std::vector{7, 8});
}

FROM_EVERY_SOURCE("a result knows its size and its columns, also when it is empty", "[sql][result]") {
    auto const none = from.rows(columns, {});
    CHECK(none.empty());
    CHECK(none.columns() == columns);
    auto const two = from.rows(columns, {a1, b2});
    CHECK(two.size() == 2);
    CHECK(two.columns() == columns);
    CHECK(two.rows_affected() == 0);
    int rows = 0;
    for (sql::row const& r : two) rows += static_cast<int>(r.size());
    CHECK(rows == 6);
}

FROM_EVERY_SOURCE("rows are read as tuples, structs by position and structs by name", "[sql][result][struct]") {
    auto const r = from.rows(columns, {a1, b2});

    CHECK(r.all<stock_line>() == std::vector<stock_line>{{"A1", 5, 1.5}, {"B2", 0, std::nullopt}});
    CHECK(r.all<std::tuple<std::string, long, std::optional<double>>>() ==
          std::vector<std::tuple<std::string, long, std::optional<double>>>{{"A1", 5, 1.5}, {"B2", 0, std::nullopt}});
    CHECK(r.all<named_line>() == std::vector<named_line>{{5, "A1"}, {0, "B2"}});
    CHECK(r[0].get<std::string>("sku") == "A1");
    CHECK(r[1].get<int>(1) == 0);
    CHECK(r[1]["r_price"].is_null());
}

FROM_EVERY_SOURCE("a type mismatch names the row, the column, both types and the statement", "[sql][result]") {
    auto const r = from.rows(columns, {a1, b2});

    auto const text = error_of<sql::conversion_error>([&] { (void)r[1].get<int>("sku"); });
    CHECK(text.code() == sql::errc::datatype_mismatch);
    CHECK_THAT(text.what(), Contains("column 'sku'") && Contains("row 1") &&
                                Contains("text cannot be read as a 32-bit integer") && !Contains("B2"));
    auto const null = error_of<sql::conversion_error>([&] { (void)r.all<std::tuple<std::string, int, double>>(); });
    CHECK(null.code() == sql::errc::null_value_no_indicator);
    CHECK_THAT(null.what(), Contains("column 'r_price'") && Contains("row 1") && Contains("null"));
    auto const width = error_of<sql::conversion_error>([&] { (void)r.all<std::pair<std::string, int>>(); });
    CHECK_THAT(width.what(), Contains("3 columns (sku, n_qty, r_price)") && Contains("2 values"));
    if (!from.names_statements) return;
    for (auto const& e : {text, null, width})
        CHECK_THAT(e.what(), Contains("while running \"select sku, n_qty, r_price from t"));
}

FROM_EVERY_SOURCE("a column that is not there is named, with those that are and the statement", "[sql][result]") {
    auto const r = from.rows({"sku"}, {{"A1"}});

    auto const by_name = error_of<std::out_of_range>([&] { (void)r[0].get<int>("qty"); });
    CHECK_THAT(by_name.what(), Contains("'qty'") && Contains("sku"));
    auto const by_number = error_of<std::out_of_range>([&] { (void)r[0].get<int>(3); });
    CHECK_THAT(by_number.what(), Contains("number 3") && Contains("sku"));
    auto const of_struct = error_of<std::out_of_range>([&] { (void)r.one<named_line>(); });
    CHECK_THAT(of_struct.what(), Contains("'n_qty'") && Contains("sku"));
    auto const row = error_of<std::out_of_range>([&] { (void)r.at(1); });
    CHECK_THAT(row.what(), Contains("row number 1") && Contains("1 row"));
    if (!from.names_statements) return;
    for (auto const& e : {by_name, by_number, of_struct, row})
        CHECK_THAT(e.what(), Contains("while running \"select sku from t"));
}
