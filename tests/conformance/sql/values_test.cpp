// SPDX-License-Identifier: BSL-1.0
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

#include "databases.hpp"

namespace sql = effects::sql;
using Catch::Matchers::Contains;
using effects::perform;
using namespace std::chrono_literals;

namespace {

void make_table(databases::dialect const& in) {
    perform(sql::script("create table v (b boolean, i bigint, r double precision, s text, y " + in.bytes_type +
                        ", m timestamp with time zone)"));
}

/// What comes out of the column after `given` went in.
template <class T>
T stored(char const* column, sql::value const& given) {
    auto const name = std::string(column);
    perform(sql::query("delete from v"));
    perform(sql::query("insert into v (" + name + ") values ($1)", given));
    return perform(sql::query("select " + name + " from v")).one<T>();
}

} // namespace

ON_EVERY_DATABASE("null goes into every column and comes out", "[sql][values]") {
    make_table(in);

    for (char const* column : {"b", "i", "r", "s", "y", "m"}) {
        CHECK(stored<sql::value>(column, sql::null).is_null());
        CHECK(stored<sql::value>(column, std::optional<int>{}).is_null());
        CHECK(stored<sql::value>(column, nullptr).is_null());
    }
    CHECK(stored<std::optional<std::string>>("s", sql::null) == std::nullopt);
    CHECK(stored<std::optional<std::string>>("s", "") == std::optional<std::string>("")); // empty is not null
}

ON_EVERY_DATABASE("booleans come out as they went in", "[sql][values]") {
    make_table(in);

    CHECK(stored<bool>("b", true));
    CHECK_FALSE(stored<bool>("b", false));
    CHECK(stored<std::optional<bool>>("b", std::optional(true)) == true);
    CHECK(stored<sql::value>("b", true) == (in.keeps_booleans ? sql::value(true) : sql::value(1)));
}

ON_EVERY_DATABASE("integers come out as they went in, to the limits of 64 bits", "[sql][values]") {
    make_table(in);
    using limits = std::numeric_limits<std::int64_t>;

    for (std::int64_t i : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 31, (std::int64_t{1} << 53) + 1,
                           limits::max(), limits::min()})
        CHECK(stored<std::int64_t>("i", i) == i);
    CHECK(stored<unsigned char>("i", 255) == 255);
    CHECK(stored<std::uint64_t>("i", limits::max()) == std::uint64_t{9223372036854775807});
    CHECK(stored<std::optional<short>>("i", std::optional<short>(-32768)) == std::int16_t{-32768});
}

ON_EVERY_DATABASE("an integer that does not fit what it is read as is an error, not another number", "[sql][values]") {
    make_table(in);

    auto const e = error_of<sql::conversion_error>([] { stored<int>("i", std::int64_t{1} << 31); });
    CHECK(e.sqlstate() == "22003");
    CHECK_THAT(e.what(), Contains("while running \"select i from v\"") && Contains("column 'i'") && Contains("int"));
    CHECK_THROWS_AS(stored<unsigned>("i", -1), sql::conversion_error);
    CHECK_THROWS_AS(stored<std::int8_t>("i", 128), sql::conversion_error);
    CHECK_THROWS_AS(stored<bool>("i", 2), sql::error);
    CHECK_THROWS_AS(sql::value(std::uint64_t{1} << 63), sql::conversion_error);
}

ON_EVERY_DATABASE("doubles come out as they went in, infinities too", "[sql][values]") {
    make_table(in);
    using limits = std::numeric_limits<double>;

    for (double d : {0.0, 0.1, -1.0 / 3, 3.0, limits::max(), limits::lowest(), limits::min(), limits::denorm_min(),
                     limits::infinity(), -limits::infinity()})
        CHECK(stored<double>("r", d) == d);
    CHECK(stored<double>("r", 1.5f) == 1.5);
}

ON_EVERY_DATABASE("NaN is kept or refused, never stored as null", "[sql][values]") {
    make_table(in);

    if (in.keeps_nan) {
        CHECK(std::isnan(stored<double>("r", std::nan(""))));
        return;
    }
    auto const e = error_of<sql::error>([] { perform(sql::query("insert into v (r) values ($1)", std::nan(""))); });
    CHECK(e.code() == sql::errc::invalid_parameter_value);
    CHECK_THAT(e.what(), Contains("while running \"insert into v (r) values ($1)\"") && Contains("$1"));
    CHECK(perform(sql::query("select count(*) from v")).one<int>() == 0);
}

ON_EVERY_DATABASE("text comes out as it went in, whatever is in it", "[sql][values]") {
    make_table(in);

    for (std::string const& text :
         {std::string(), std::string("naïve 🎉 日本"), std::string("it's; drop table v -- \" $1 ? :x \\"),
          std::string("\x01\n\r\t\x7f"), std::string(1'000'000, 'x'), std::string("12"), std::string("1e3")})
        CHECK((stored<std::string>("s", text) == text));
    CHECK(perform(sql::query("select count(*) from v where s = $1", "1e3")).one<int>() == 1);
}

ON_EVERY_DATABASE("text with zero bytes is kept whole or refused, never cut", "[sql][values]") {
    make_table(in);
    std::string const text("a\0b\0", 4);

    if (in.keeps_zero_bytes)
        CHECK(stored<std::string>("s", text) == text);
    else
        CHECK_THROWS_AS(stored<std::string>("s", text), sql::error);
}

ON_EVERY_DATABASE("bytes come out as they went in", "[sql][values]") {
    make_table(in);
    sql::blob all;
    for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));

    CHECK(stored<sql::blob>("y", all) == all);
    CHECK(stored<sql::blob>("y", sql::blob{}).empty());
    CHECK(stored<sql::value>("y", sql::blob{}).kind() == sql::kind::bytes);
    sql::blob const large(1'000'000, std::byte{0x80});
    CHECK((stored<sql::blob>("y", large) == large));
}

ON_EVERY_DATABASE("moments come out as they went in, to the microsecond", "[sql][values][time]") {
    make_table(in);

    for (auto us : {0us, 1us, -1us, 1'700'000'000'123'456us, -2'208'988'800'000'000us, 253'402'300'799'999'999us})
        CHECK(stored<sql::timestamp>("m", sql::timestamp(us)) == sql::timestamp(us));
    CHECK(stored<sql::value>("m", sql::timestamp(0us)).kind() ==
          (in.keeps_moments ? sql::kind::moment : sql::kind::text));
    perform(sql::query("delete from v"));
    for (auto us : {2us, -2us, 1'000'000us}) perform(sql::query("insert into v (m) values ($1)", sql::timestamp(us)));
    CHECK(perform(sql::query("select m from v order by m")).all<sql::timestamp>() ==
          std::vector{sql::timestamp(-2us), sql::timestamp(2us), sql::timestamp(1s)});
    CHECK(perform(sql::query("select count(*) from v where m < $1", sql::timestamp(2us))).one<int>() == 1);
}

ON_EVERY_DATABASE("placeholders are bound by their number, in any order and more than once", "[sql][parameters]") {
    make_table(in);

    perform(sql::query("insert into v (s, i, r) values ($2, $1, $3)", 7, "seven", 7.5));
    perform(sql::query("insert into v (i, r, s) values ($1, $3, $2)", 8, "eight", 8.5));

    CHECK(perform(sql::query("select s from v where i = $1 or (i = $2 and i = $2) order by i", 7, 8))
              .all<std::string>() == std::vector<std::string>{"seven", "eight"});
    sql::query ten("select count(*) from v where i in ($10, $1, $2, $3, $4, $5, $6, $7, $8, $9)");
    for (int i = 1; i <= 10; ++i) ten.bind(i == 10 ? 7 : -i);
    CHECK(perform(ten).one<int>() == 1);
}
