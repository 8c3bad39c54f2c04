// SPDX-License-Identifier: BSL-1.0
#include <cmath>
#include <cstdint>
#include <limits>
#include <source_location>
#include <sstream>
#include <stdexcept>

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

TEST_CASE("log_to writes for people, too: the time, the level, the message, the fields", "[os][log]") {
    std::ostringstream out;

    effects::handle(
        [] {
            os::log.info("listening", {{"port", 8080}, {"tls", false}, {"load", 0.25}, {"host", "a"}});
            os::log.error("gone", {{"why", "no route"}, {"peer", ""}, {"said", "a=\"b\" c:\\d"}});
        },
        os::log_to(out, os::level::debug, os::log_format::text), os::manual_clock{noon + 5ms});

    CHECK(out.str() == "2026-01-31T12:00:00.005Z info  listening port=8080 tls=false load=0.25 host=a\n"
                       "2026-01-31T12:00:00.005Z error gone why=\"no route\" peer=\"\" said=\"a=\\\"b\\\" c:\\\\d\"\n");
}

TEST_CASE("colours go by the level, and end where they began", "[os][log]") {
    std::ostringstream out;

    effects::handle(
        [] {
            os::log.debug("d");
            os::log.info("i");
            os::log.warn("w", {{"n", 1}});
            os::log.error("e");
        },
        os::log_to(out, os::level::debug, os::log_format::coloured));

    CHECK(out.str() == "\x1B[2mdebug\x1B[0m d\n"
                       "\x1B[32minfo\x1B[0m  i\n"
                       "\x1B[33mwarn\x1B[0m  w \x1B[2mn=\x1B[0m1\n"
                       "\x1B[1;31merror\x1B[0m e\n");
}

TEST_CASE("nothing that is logged forges a line, a field or the terminal's state", "[os][log]") {
    auto line_of = [](std::string message, os::log_fields fields) {
        std::ostringstream out;
        effects::handle([&] { os::log.info(message, fields); },
                        os::log_to(out, os::level::debug, os::log_format::text));
        return out.str();
    };

    CHECK(line_of("a\n2026 error b\r\t\0\x7F"s, {}) == "info  a\\x0a2026 error b\\x0d\\x09\\x00\\x7f\n");
    CHECK(line_of("\x1B[2J", {{"to\x1B", "\x1B]0;x\a"}}) == "info  \\x1b[2J \"to\\x1b\"=\"\\x1b]0;x\\x07\"\n");
    CHECK(line_of("m", {{"a b", "x y=1"}, {"c=d", "1"}}) == "info  m \"a b\"=\"x y=1\" \"c=d\"=1\n");
    CHECK(line_of("\xC2\x9B[2J \xC2\x85 \xE2\x80\xA8 \xFF \xC3\xA9", {}) ==
          "info  \\xc2\\x9b[2J \\xc2\\x85 \\xe2\\x80\\xa8 \\xff \xC3\xA9\n");
    CHECK(line_of("\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\x94\xC2\xA0", {}) == // but a dash and a wide space are text
          "info  \\xe2\\x80\\xae\\xe2\\x81\\xa6\xE2\x80\x94\xC2\xA0\n");
}

TEST_CASE("what is logged inside a context carries its fields, before its own", "[os][log][context]") {
    os::collected_log lines;

    effects::handle(
        [] {
            int const answer = os::log.with({{"request", 7}, {"user", "ann"}}, [] {
                os::log.info("begun");
                os::log.info("paid", {{"amount", 3}});
                return 42;
            });
            CHECK(answer == 42);
            os::log.info("after");
        },
        lines);

    auto const records = lines.records();
    CHECK(records.at(0).fields == os::log_fields{{"request", 7}, {"user", "ann"}});
    CHECK(records.at(1).fields == os::log_fields{{"request", 7}, {"user", "ann"}, {"amount", 3}});
    CHECK(records.at(2).fields.empty());
}

TEST_CASE("contexts nest: the nearer of two fields of one name is the one that is written", "[os][log][context]") {
    os::collected_log lines;

    effects::handle(
        [] {
            os::log.with({{"step", "one"}}, [] { os::log.info("a", {{"who", "own"}}); });
        },
        os::log_context({{"service", "shop"}, {"step", "none"}, {"who", "outer"}}), lines);

    CHECK(lines.records().at(0).fields == os::log_fields{{"service", "shop"}, {"step", "one"}, {"who", "own"}});
}

TEST_CASE("a context ends with its body when that throws", "[os][log][context]") {
    os::collected_log lines;

    effects::handle(
        [] {
            CHECK_THROWS_AS(os::log.with({{"request", 7}}, [] { throw std::runtime_error("x"); }), std::runtime_error);
            os::log.info("after");
        },
        lines);

    CHECK(lines.records().at(0).fields.empty());
}

TEST_CASE("a context where nobody writes the log does nothing", "[os][log][context]") {
    CHECK(os::log.with({{"request", 7}}, [] {
        os::log.info("unheard");
        return 1;
    }) == 1);
}

TEST_CASE("a line that passes a context is still said to be logged where it was", "[os][log][context]") {
    unsigned seen = 0;
    unsigned line = 0;

    effects::handle(
        [&] {
            os::log.with({{"request", 7}}, [&] {
                line = __LINE__ + 1;
                os::log.info("here");
            });
        },
        effects::on<os::operations::log>(
            [&](os::operations::log const&, std::source_location where) { seen = where.line(); }));

    CHECK(seen == line);
}

TEST_CASE("a log line prints", "[os][log]") {
    std::ostringstream out;
    out << os::operations::log{os::level::warn, "slow", {{"seconds", 2}, {"who", "a b"}}};

    CHECK(out.str() == "os::log warn: slow seconds=2 who=\"a b\"");
}
