// SPDX-License-Identifier: BSL-1.0
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>

#include <catch2/catch.hpp>

#include <effects/effects.hpp>
#include <effects/os/log.hpp>

namespace os = effects::os;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {
constexpr os::system_time noon = std::chrono::sys_days(2026y / 1 / 31) + 12h;
}

TEST_CASE("a collected log holds what was logged, in order", "[os][log]") {
    os::collected_log lines;

    effects::handle(
        [] {
            os::log.debug("starting");
            os::log.info("listening", {{"port", 8080}, {"tls", true}});
            os::log.warn("slow", {{"seconds", 1.5}});
            os::log.error("gone", {{"peer", "10.0.0.1"}});
            os::log(os::level::info, "bye");
        },
        lines);

    CHECK(lines.messages() == std::vector<std::string>{"starting", "listening", "slow", "gone", "bye"});
    auto const records = lines.records();
    CHECK(records.at(0).level == os::level::debug);
    CHECK(records.at(1) ==
          os::operations::log{os::level::info, "listening", {{"port", std::int64_t{8080}}, {"tls", true}}});
    CHECK(records.at(2).fields.at(0).value == os::log_field::value_type(1.5));
    CHECK(records.at(3).fields == os::log_fields{{"peer", "10.0.0.1"s}});

    lines.clear();
    CHECK(lines.records().empty());
}

TEST_CASE("logging where nobody listens does nothing", "[os][log]") { CHECK_NOTHROW(os::log.error("unheard")); }

TEST_CASE("log_to writes a JSON object a line, with the time that the world's clock tells", "[os][log]") {
    std::ostringstream out;

    effects::handle(
        [] {
            os::log.info("listening", {{"port", 8080}, {"tls", false}, {"load", 0.25}, {"name", "a"}});
            os::log.warn("plain");
        },
        os::log_to(out), os::manual_clock{noon + 5ns});

    CHECK(out.str() == R"({"time":"2026-01-31T12:00:00.000000005Z","level":"info","message":"listening",)"
                       R"("port":8080,"tls":false,"load":0.25,"name":"a"})"
                       "\n"
                       R"({"time":"2026-01-31T12:00:00.000000005Z","level":"warn","message":"plain"})"
                       "\n");
}

TEST_CASE("log_to leaves the time out where no clock is at hand", "[os][log]") {
    std::ostringstream out;

    effects::handle([] { os::log.info("hi"); }, os::log_to(out));

    CHECK(out.str() == "{\"level\":\"info\",\"message\":\"hi\"}\n");
}

TEST_CASE("times before 1970 are written as such", "[os][log]") {
    std::ostringstream out;

    effects::handle([] { os::log.info("hi"); }, os::log_to(out), os::manual_clock{os::system_time(-1ns)});

    CHECK_THAT(out.str(), Catch::Contains("1969-12-31T23:59:59.999999999Z"));
}

TEST_CASE("log_to drops what is below its level", "[os][log]") {
    std::ostringstream out;

    effects::handle(
        [] {
            os::log.info("small");
            os::log.warn("just so");
            os::log.error("large");
        },
        os::log_to(out, os::level::warn));

    CHECK(out.str() == "{\"level\":\"warn\",\"message\":\"just so\"}\n{\"level\":\"error\",\"message\":\"large\"}\n");
}

TEST_CASE("a log line stays one line of valid JSON, whatever is logged", "[os][log]") {
    std::ostringstream out;

    effects::handle([] { os::log.info("a\"b\\c\nd\te\r\0f\x1B \xFF \xC3\xA9"s, {{"q\"", "\n"}}); }, os::log_to(out));

    CHECK(out.str() ==
          "{\"level\":\"info\",\"message\":\"a\\\"b\\\\c\\nd\\te\\u000d\\u0000f\\u001b \xEF\xBF\xBD \xC3\xA9\","
          "\"q\\\"\":\"\\n\"}\n");
}

TEST_CASE("numbers keep all their digits, and what JSON has no number for is null", "[os][log]") {
    std::ostringstream out;

    effects::handle(
        [] {
            os::log.info("n", {{"least", std::numeric_limits<std::int64_t>::min()},
                               {"most", std::numeric_limits<std::uint64_t>::max()},
                               {"third", 0.1},
                               {"nan", std::nan("")},
                               {"infinite", std::numeric_limits<double>::infinity()}});
        },
        os::log_to(out));

    CHECK_THAT(out.str(), Catch::Contains("\"least\":-9223372036854775808,\"most\":18446744073709551615,"
                                          "\"third\":0.1,\"nan\":null,\"infinite\":null}"));
}

TEST_CASE("a field named as one of the line's own does not hide it", "[os][log]") {
    std::ostringstream out;

    effects::handle([] { os::log.info("m", {{"message", "x"}, {"level", 3}, {"time", 4}}); }, os::log_to(out));

    CHECK(out.str() ==
          "{\"level\":\"info\",\"message\":\"m\",\"fields.message\":\"x\",\"fields.level\":3,\"fields.time\":4}\n");
}

TEST_CASE("a middleware may change a line and pass it on", "[os][log]") {
    os::collected_log lines;

    effects::handle([] { os::log.info("paid"); },
                    [](os::operations::log line) {
                        line.fields.push_back({"request", 7});
                        effects::perform(std::move(line));
                    },
                    lines);

    CHECK(lines.records().at(0).fields == os::log_fields{{"request", 7}});
}

TEST_CASE("a log line prints", "[os][log]") {
    std::ostringstream out;
    out << os::operations::log{os::level::warn, "slow", {{"seconds", 2}, {"who", "a b"}}};

    CHECK(out.str() == "os::log warn: slow seconds=2 who=\"a b\"");
}
