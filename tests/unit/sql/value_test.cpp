// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <effects/sql/value.hpp>

#include <limits>
#include <sstream>

namespace sql = effects::sql;
using namespace std::chrono_literals;

namespace {

struct money {
    long cents;
    bool operator==(money const&) const = default;
};
enum class colour : unsigned char { red = 1, blue = 200 };
enum class letter : char { a = 'a' };

std::string shown(sql::value const& v) {
    std::ostringstream out;
    out << v;
    return out.str();
}

template <class F>
std::string state_of(F f) {
    try {
        f();
    } catch (sql::conversion_error const& e) {
        return std::string(e.sqlstate());
    }
    return "no error";
}

} // namespace

template <>
struct effects::sql::codec<money> {
    static value encode(money const& m) { return m.cents; }
    static money decode(value const& v) { return {v.as<long>()}; }
};

static_assert(sql::parameter_type<int> && sql::parameter_type<char const*> && sql::parameter_type<std::string_view>);
static_assert(sql::parameter_type<std::optional<std::string>> && sql::parameter_type<money> &&
              sql::parameter_type<float>);
static_assert(!sql::parameter_type<char> && !sql::parameter_type<int*> && !sql::parameter_type<void*>);
static_assert(sql::column_type<std::optional<money>> && sql::column_type<sql::blob>);
static_assert(!sql::column_type<float> && !sql::column_type<std::string_view> && !sql::column_type<char const*>);

TEST_CASE("a value is made from what C++ has", "[sql][value]") {
    std::string const name = "A1";
    char const* nothing = nullptr;

    CHECK(sql::value(5).kind() == sql::kind::integer);
    CHECK(sql::value(5u).kind() == sql::kind::integer);
    CHECK(sql::value(true).kind() == sql::kind::boolean);
    CHECK(sql::value(0.5f) == sql::value(0.5));
    CHECK(sql::value("A1") == sql::value(name));
    CHECK(sql::value(std::string_view(name)) == sql::value(std::string("A1")));
    CHECK(sql::value(colour::blue) == sql::value(200));
    CHECK(sql::value(letter::a) == sql::value(97));
    CHECK(sql::value(money{7}) == sql::value(7));
    CHECK(sql::value(std::optional<int>(3)) == sql::value(3));
    CHECK(sql::value(sql::blob{std::byte{1}}).kind() == sql::kind::bytes);
    CHECK(sql::value(sql::timestamp(5s)).kind() == sql::kind::moment);
    for (auto const& v : {sql::value(), sql::value(sql::null), sql::value(nullptr), sql::value(std::nullopt),
                          sql::value(std::optional<std::string>()), sql::value(nothing)})
        CHECK(v.is_null());
}

TEST_CASE("empty text is not null, and zero is not false", "[sql][value]") {
    CHECK_FALSE(sql::value("").is_null());
    CHECK(sql::value("") != sql::value());
    CHECK(sql::value(0) != sql::value(false));
    CHECK(sql::value(sql::blob{}) != sql::value(""));
}

TEST_CASE("an unsigned parameter above the largest 64-bit integer is refused", "[sql][value]") {
    auto most = std::uint64_t{1} << 63;

    CHECK(sql::value(most - 1).as<std::uint64_t>() == most - 1);
    CHECK(state_of([&] { sql::value v(most); }) == "22003");
}

TEST_CASE("integers are read within the range of their type only", "[sql][value]") {
    CHECK(sql::value(127).as<std::int8_t>() == 127);
    CHECK(state_of([] { sql::value(128).as<std::int8_t>(); }) == "22003");
    CHECK(state_of([] { sql::value(-1).as<unsigned>(); }) == "22003");
    CHECK(state_of([] { sql::value(5'000'000'000).as<int>(); }) == "22003");
    CHECK(sql::value(std::numeric_limits<std::int64_t>::min()).as<std::int64_t>() ==
          std::numeric_limits<std::int64_t>::min());
    CHECK(state_of([] { sql::value(256).as<colour>(); }) == "22003");
    CHECK(sql::value(200).as<colour>() == colour::blue);
}

TEST_CASE("only 0 and 1 are read as a bool", "[sql][value]") {
    CHECK(sql::value(1).as<bool>());
    CHECK_FALSE(sql::value(0).as<bool>());
    CHECK(sql::value(true).as<int>() == 1);
    CHECK(state_of([] { sql::value(2).as<bool>(); }) == "22003");
    CHECK(state_of([] { sql::value("true").as<bool>(); }) == "42804");
}

TEST_CASE("an integer is read as a double where the double holds it", "[sql][value]") {
    auto const big = std::int64_t{1} << 53;

    CHECK(sql::value(big).as<double>() == static_cast<double>(big));
    CHECK(state_of([&] { sql::value(big + 1).as<double>(); }) == "22003");
    CHECK(state_of([] { sql::value(std::numeric_limits<std::int64_t>::max()).as<double>(); }) == "22003");
    CHECK(state_of([] { sql::value(1.0).as<int>(); }) == "42804");
}

TEST_CASE("null is read as an optional only", "[sql][value]") {
    CHECK(sql::value().as<std::optional<int>>() == std::nullopt);
    CHECK(sql::value(4).as<std::optional<int>>() == 4);
    CHECK(sql::value().as<sql::value>().is_null());
    CHECK(state_of([] { sql::value().as<int>(); }) == "22002");
    CHECK(state_of([] { sql::value().as<std::string>(); }) == "22002");
}

TEST_CASE("a conversion that fails names both types", "[sql][value]") {
    CHECK_THROWS_WITH(sql::value("abc").as<int>(), "text cannot be read as a 32-bit integer");
    CHECK_THROWS_WITH(sql::value(5).as<std::string>(), "an integer cannot be read as text");
    CHECK_THROWS_WITH(sql::value("x").as<sql::blob>(), "text cannot be read as a blob");
}

TEST_CASE("a codec makes a type of the user's a column's type", "[sql][value]") {
    CHECK(sql::value(900).as<money>() == money{900});
    CHECK(sql::value().as<std::optional<money>>() == std::nullopt);
    CHECK(sql::value(std::optional<money>(money{3})) == sql::value(3));
}

TEST_CASE("values print as SQL writes them, cut and without control characters", "[sql][value]") {
    CHECK(shown(sql::value()) == "null");
    CHECK(shown(true) == "true");
    CHECK(shown(5) == "5");
    CHECK(shown(2.0) == "2.0");
    CHECK(shown(0.1) == "0.1");
    CHECK(shown("it's") == "'it''s'");
    CHECK(shown(std::string("a\n\0b", 4)) == "'a\\x0a\\x00b'");
    CHECK(shown(sql::blob{std::byte{0}, std::byte{255}}) == "x'00ff'");
    CHECK(shown(std::string(100, 'x')) == "'" + std::string(64, 'x') + "'… (100 bytes)");
    CHECK(shown(std::string(63, 'x') + "é") == "'" + std::string(63, 'x') + "'… (65 bytes)");
}

TEST_CASE("moments are written in UTC, to the microsecond, and read back", "[sql][value][time]") {
    using namespace std::chrono;
    auto const t = sql::timestamp(sys_days(2026y / 3 / 1)) + 12h + 30min + 5s;

    CHECK(sql::to_text(t) == "2026-03-01 12:30:05");
    CHECK(sql::to_text(t + 250us) == "2026-03-01 12:30:05.000250");
    CHECK(sql::to_text(sql::timestamp(-1us)) == "1969-12-31 23:59:59.999999");
    CHECK(sql::timestamp_from_text("2026-03-01 12:30:05.000250") == t + 250us);
    CHECK(sql::timestamp_from_text("2026-03-01T14:30:05+02:00") == t);
    CHECK(sql::timestamp_from_text("2026-03-01T12:30:05Z") == t);
    CHECK(sql::timestamp_from_text("2026-03-01 12:30") == t - 5s);
    CHECK(sql::timestamp_from_text("2026-03-01") == t - 12h - 30min - 5s);
    CHECK(sql::value("2026-03-01 12:30:05").as<sql::timestamp>() == t);
}

TEST_CASE("text that is no moment is refused", "[sql][value][time]") {
    for (auto text : {"", "now", "2026-02-30", "2026-13-01", "2026-03-01 25:00", "2026-03-01 12:30:60", "2026-03-01 12",
                      "2026-03-01 12:30:05.", "2026-03-01 12:30:05.1234567", "2026-03-01x", "2026-03-01 12:30:05+",
                      "2026-03-01 12:30:05 ", "-026-03-01"}) {
        CAPTURE(text);
        CHECK_FALSE(sql::timestamp_from_text(text));
    }
    CHECK(state_of([] { sql::value("soon").as<sql::timestamp>(); }) == "42804");
}

TEST_CASE("a moment is read in a unit that holds all of it", "[sql][value][time]") {
    using namespace std::chrono;
    sql::value const noon(sql::timestamp(sys_days(2026y / 3 / 1)) + 12h);

    CHECK(noon.as<sys_seconds>() == sys_days(2026y / 3 / 1) + 12h);
    CHECK(noon.as<sys_time<nanoseconds>>() == sys_days(2026y / 3 / 1) + 12h);
    CHECK(state_of([&] { noon.as<sys_days>(); }) == "22003");
    CHECK(state_of([] { sql::value(sql::timestamp(sys_days(9999y / 1 / 1))).as<sys_time<nanoseconds>>(); }) == "22003");
    CHECK(sql::value(sys_time<nanoseconds>(1999ns)) == sql::value(sql::timestamp(1us)));
}
