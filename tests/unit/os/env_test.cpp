// SPDX-License-Identifier: BSL-1.0
#include <sstream>

#include <catch2/catch.hpp>

#include <effects/effects.hpp>
#include <effects/os/clock.hpp>
#include <effects/os/env.hpp>
#include <effects/os/files.hpp>
#include <effects/os/programs.hpp>

namespace os = effects::os;

TEST_CASE("a variable that is not set is nothing, one set to nothing is an empty string", "[os][env]") {
    effects::handle(
        [] {
            CHECK(os::variable("HOME") == "/x");
            CHECK(os::variable("EMPTY") == "");
            CHECK(os::variable("MISSING") == std::nullopt);
            CHECK(os::variable("") == std::nullopt);
        },
        os::in_memory_env{{{"HOME", "/x"}, {"EMPTY", ""}}});
}

TEST_CASE("one variable between braces is a variable", "[os][env]") {
    CHECK(effects::handle([] { return os::variable("HOME"); }, os::in_memory_env{{{"HOME", "/x"}}}) == "/x");
}

TEST_CASE("a world's arguments are the ones it was given", "[os][env]") {
    std::vector<std::string> const given{"backup", "--dry-run", ""};

    CHECK(effects::handle(os::arguments, os::in_memory_env{{}, given}) == given);
    CHECK(effects::handle(os::arguments, os::in_memory_env{}).empty());
}

TEST_CASE("variables may be set and unset while the world runs", "[os][env]") {
    os::in_memory_env env{{{"A", "1"}}};

    effects::handle(
        [&] {
            env.set("A", "2");
            env.set("B", "3");
            CHECK(os::variable("A") == "2");
            CHECK(os::variable("B") == "3");
            env.unset("A");
            env.unset("never was");
            CHECK(os::variable("A") == std::nullopt);
        },
        env);
}

TEST_CASE("the environment's operations print and compare", "[os][env]") {
    std::ostringstream out;
    out << os::operations::variable{"HOME"} << ", " << os::operations::arguments{};

    CHECK(out.str() == "os::variable HOME, os::arguments");
    CHECK(os::operations::variable{"A"} == os::operations::variable{"A"});
    CHECK(os::operations::variable{"A"} != os::operations::variable{"B"});
}

TEST_CASE("the ambient functions name the caller's line where nobody answers them", "[os]") {
    auto place_of = [](auto&& f) -> unsigned {
        try {
            f();
        } catch (effects::unhandled_operation const& e) {
            return e.where().line();
        }
        return 0;
    };
    unsigned const line = __LINE__;
    CHECK(place_of([] { os::variable("HOME"); }) == line + 1);
    CHECK(place_of([] { os::arguments(); }) == line + 2);
    CHECK(place_of([] { os::system_now(); }) == line + 3);
    CHECK(place_of([] { os::steady_now(); }) == line + 4);
    CHECK(place_of([] { os::read_text("x"); }) == line + 5);
    CHECK(place_of([] { os::write_text("x", "y"); }) == line + 6);
    CHECK(place_of([] { os::append_text("x", "y"); }) == line + 7);
    CHECK(place_of([] { os::list_directory("x"); }) == line + 8);
    CHECK(place_of([] { os::make_directories("x"); }) == line + 9);
    CHECK(place_of([] { os::remove("x"); }) == line + 10);
    CHECK(place_of([] { os::rename("x", "y"); }) == line + 11);
    CHECK(place_of([] { os::exists("x"); }) == line + 12);
    CHECK(place_of([] { os::run({"x"}); }) == line + 13);
}
