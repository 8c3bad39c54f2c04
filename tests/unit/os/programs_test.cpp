// SPDX-License-Identifier: BSL-1.0
#include <effects/os/in_memory_programs.hpp>
#include <effects/os/programs.hpp>

#include <sstream>

#include <catch2/catch.hpp>

#include <effects/effects.hpp>

namespace os = effects::os;
using os::operations::run;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

template <class F>
std::string told_by(F f) {
    try {
        f();
    } catch (os::program_error const& e) {
        return e.what();
    }
    return "nothing was thrown";
}

std::string told_of(os::completed const& c) {
    return told_by([&] { c.raise_for_status(); });
}

} // namespace

TEST_CASE("a program that failed says with which status, and what it said last", "[os][programs]") {
    CHECK(told_of({.exit_code = 128, .err = "hint: x\nfatal: not a repository\n\n", .program = "git"}) ==
          "git exited with status 128: fatal: not a repository");
    CHECK(told_of({.exit_code = 1, .program = "false"}) == "false exited with status 1");
    CHECK(told_of({.signal = 9, .err = "10%\r20%\r", .program = "sort"}) ==
          "sort was killed by signal 9 (SIGKILL): 20%");
    CHECK(told_of({.signal = 63, .program = "sort"}) == "sort was killed by signal 63");
    CHECK(told_of({.exit_code = 1, .err = "\x1B[2J\xFF", .program = "a\nb"}) ==
          "a\\x0ab exited with status 1: \\x1b[2J\\xff");
    CHECK(told_of({.exit_code = 1, .err = std::string(1000, 'x'), .program = "p"}).size() < 400);
    CHECK(told_of({.exit_code = 1}) == "the program exited with status 1");
}

TEST_CASE("what failed is an os::error, with the program's name, its code and its result", "[os][programs]") {
    os::completed const broken{.exit_code = 2, .out = "some", .err = "no", .program = "make"};

    try {
        broken.raise_for_status();
        FAIL("nothing was thrown");
    } catch (os::error const& e) {
        CHECK(e.path() == "make");
        CHECK(e.code() == std::error_code(2, os::exit_category()));
        CHECK(e.code().message() == "exit status 2");
        CHECK_FALSE(e.transient());
        CHECK(dynamic_cast<os::program_error const&>(e).result() == broken);
    }
}

TEST_CASE("a program that returned 0 is passed on", "[os][programs]") {
    os::completed const fine{.out = "x"};

    CHECK(&fine.raise_for_status() == &fine);
    CHECK(os::completed{.out = "y"}.raise_for_status().out == "y");
    CHECK(fine.ok());
    CHECK_FALSE(os::completed{.signal = 15}.ok());
}

TEST_CASE("a program in memory sees all that it was run with", "[os][programs]") {
    run seen;
    os::in_memory_programs programs{{"git", [&](run const& op) {
                                         seen = op;
                                         return os::completed{.out = "d1ce\n"};
                                     }}};

    auto const result = effects::handle(
        [] {
            return os::run({"git", "rev-parse", "HEAD"},
                           {.input = "in", .env = {{"A", "1"}, {"B", std::nullopt}}, .directory = "/src"});
        },
        programs);

    CHECK(result == os::completed{.out = "d1ce\n", .program = "git"});
    CHECK(seen.words == std::vector{"git"s, "rev-parse"s, "HEAD"s});
    CHECK(seen.options.input == "in");
    CHECK(seen.options.env.at("A") == "1");
    CHECK(seen.options.env.at("B") == std::nullopt);
    CHECK(seen.options.directory == "/src");
}

TEST_CASE("programs in memory may be added and replaced while the world runs, also by themselves", "[os][programs]") {
    os::in_memory_programs programs;
    programs.set("a", [&](run const&) {
        programs.set("a", [](run const&) { return os::completed{.out = "second"}; });
        return os::completed{.out = "first"};
    });

    effects::handle(
        [] {
            CHECK(os::run({"a"}).out == "first");
            CHECK(os::run({"a"}).out == "second");
        },
        programs);
}

TEST_CASE("programs in memory perform what the handlers outside theirs answer", "[os][programs]") {
    auto const out = effects::handle(
        [] { return os::run({"outer"}).out; },
        os::in_memory_programs{{"outer",
                                [](run const& op) {
                                    return os::run({"inner", op.words.at(0)});
                                }}},
        os::in_memory_programs{{"inner", [](run const& op) { return os::completed{.out = "by " + op.words.at(1)}; }}});

    CHECK(out == "by outer");
}

TEST_CASE("what a program in memory throws arrives, with a time limit, too", "[os][programs]") {
    auto broken = [] { os::run({"broken"}, {.timeout = 1s}); };

    CHECK_THROWS_AS(effects::handle(broken,
                                    os::in_memory_programs{
                                        {"broken", [](run const&) -> os::completed { throw std::out_of_range("x"); }}}),
                    std::out_of_range);
}

TEST_CASE("programs' operations and results print and compare", "[os][programs]") {
    std::ostringstream out;
    out << run{{"git", "log", "", "a\nb"}} << "; " << run{{"cat"}, {.input = "abc"}} << "; "
        << os::completed{.exit_code = 2, .out = "xy", .program = "make"};

    CHECK(out.str() == "os::run git log '' a\\x0ab; os::run cat, 3 bytes of input; "
                       "make exited with status 2, 2 bytes out, 0 err");
    CHECK(run{{"a"}} == run{{"a"}});
    CHECK(run{{"a"}} != run{{"a"}, {.timeout = 1s}});
}
