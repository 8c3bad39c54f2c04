// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/sql/query.hpp>

#include <sstream>

namespace sql = effects::sql;

namespace {

class some_state : public sql::session::state {};

template <class T>
std::string shown(T const& v) {
    std::ostringstream out;
    out << v;
    return out.str();
}

} // namespace

TEST_CASE("a query holds its text and its parameters", "[sql][query]") {
    std::string sku = "A1";
    sql::query const q("select qty from stock where sku = $1 and qty > $2", sku, 3);

    CHECK(q.text() == "select qty from stock where sku = $1 and qty > $2");
    CHECK(q.parameters() == std::vector<sql::value>{"A1", 3});
    CHECK(sku == "A1");
}

TEST_CASE("queries compare by text and parameters", "[sql][query]") {
    CHECK(sql::query("select $1", 1) == sql::query("select $1", 1));
    CHECK(sql::query("select $1", 1) != sql::query("select $1", 2));
    CHECK(sql::query("select $1", 1) != sql::query("select $1", "1"));
    CHECK(sql::query("select 1") != sql::query("select 2"));
    CHECK(sql::query("select $1", 1) == sql::query("select $1", std::int64_t{1}));
}

TEST_CASE("the transaction is no part of a query's equality", "[sql][query]") {
    sql::session const s(std::make_shared<some_state>());

    CHECK(sql::query("select 1").in(s) == sql::query("select 1"));
    CHECK(sql::query("select 1").in(s).session() == s);
    CHECK(s.as<some_state>() != nullptr);
    CHECK_FALSE(sql::session());
    CHECK(sql::session().as<some_state>() == nullptr);
}

TEST_CASE("parameters are added where their number is known at run time only", "[sql][query]") {
    sql::query q("select * from stock where sku in ($1, $2)");
    for (auto sku : {"A1", "B2"}) q.bind(sku);

    CHECK(q == sql::query("select * from stock where sku in ($1, $2)", "A1", "B2"));
    CHECK(sql::query("select $1").bind(1) == sql::query("select $1", 1));
}

TEST_CASE("a query prints its text and its parameters", "[sql][query]") {
    CHECK(shown(sql::query("select $1, $2", "A1", sql::null)) == R"(sql::query("select $1, $2", 'A1', null))");
    CHECK(shown(sql::query("select 1")) == R"(sql::query("select 1"))");
    CHECK(shown(sql::script("create table t (a)")) == R"x(sql::script("create table t (a)"))x");
}
