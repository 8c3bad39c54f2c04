// SPDX-License-Identifier: BSL-1.0
#include <sstream>
#include <stdexcept>

#include <catch2/catch.hpp>

#include <effects/effects.hpp>
#include <effects/os/clock.hpp>

using namespace std::chrono_literals;
namespace os = effects::os;

namespace {
constexpr os::system_time last_of_january = std::chrono::sys_days(2026y / 1 / 31);
}

TEST_CASE("a manual clock stands still until it is advanced", "[os][clock]") {
    os::manual_clock clock(last_of_january);

    effects::handle(
        [&] {
            auto const began = os::steady_now();
            CHECK(os::system_now() == last_of_january);
            CHECK(os::steady_now() == began);

            clock.advance(24h + 1ns);

            CHECK(os::system_now() == last_of_january + 24h + 1ns);
            CHECK(os::steady_now() - began == 24h + 1ns);
        },
        clock);
}

TEST_CASE("setting a manual clock back leaves the steady time alone", "[os][clock]") {
    os::manual_clock clock(last_of_january);

    effects::handle(
        [&] {
            clock.advance(1s);
            auto const before = os::steady_now();
            clock.set(last_of_january - 48h);

            CHECK(os::system_now() == last_of_january - 48h);
            CHECK(os::steady_now() == before);
        },
        clock);
}

TEST_CASE("a manual clock refuses to be advanced backwards", "[os][clock]") {
    os::manual_clock clock(last_of_january);

    CHECK_THROWS_AS(clock.advance(-1ns), std::invalid_argument);
    CHECK(effects::handle(os::system_now, clock) == last_of_january);
}

TEST_CASE("a clock can be made and installed in one expression", "[os][clock]") {
    CHECK(effects::handle(os::system_now, os::manual_clock{last_of_january}) == last_of_january);
}

TEST_CASE("without a clock, asking for the time says so", "[os][clock]") {
    CHECK_THROWS_WITH(os::system_now(), Catch::Contains("system_now"));
}

TEST_CASE("the clock's operations print and compare", "[os][clock]") {
    std::ostringstream out;
    out << os::operations::system_now{} << ", " << os::operations::steady_now{};

    CHECK(out.str() == "os::system_now, os::steady_now");
    CHECK(os::operations::system_now{} == os::operations::system_now{});
}
