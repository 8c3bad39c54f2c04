// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <set>

#include "systems.hpp"

namespace os = effects::os;

EFFECTS_ON_EVERY_SYSTEM("the steady time never goes back", "[os][clock]") {
    auto last = os::steady_now();
    for (int i = 0; i < 1000; ++i) {
        auto const now = os::steady_now();
        REQUIRE(now >= last);
        last = now;
    }
}

EFFECTS_ON_EVERY_SYSTEM("both clocks answer with the whole of their types", "[os][clock]") {
    CHECK(os::system_now() >= os::system_time{});
    CHECK(os::steady_now() >= os::steady_time{});
}

EFFECTS_ON_EVERY_SYSTEM("random bits use all 64 bits", "[os][random]") {
    std::uint64_t ones = 0;
    std::uint64_t zeros = 0;
    for (int i = 0; i < 200; ++i) { // by chance: once in 2^193 runs
        std::uint64_t const bits = os::random_bits();
        ones |= bits;
        zeros |= ~bits;
    }

    CHECK(ones == ~std::uint64_t{0});
    CHECK(zeros == ~std::uint64_t{0});
}

EFFECTS_ON_EVERY_SYSTEM("uuids differ, and are lower-case text of 36", "[os][random]") {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) seen.insert(os::uuid());

    CHECK(seen.size() == 100);
    for (std::string const& id : seen) {
        CHECK(id.size() == 36);
        CHECK(id.find_first_not_of("0123456789abcdef-") == id.npos);
        CHECK(id[14] == '4');
    }
}

EFFECTS_ON_EVERY_SYSTEM("uniform keeps to its range", "[os][random]") {
    for (int i = 0; i < 1000; ++i) {
        int const n = os::uniform(-3, 3);
        REQUIRE((n >= -3 && n <= 3));
    }
}

EFFECTS_ON_EVERY_SYSTEM("a variable that nobody sets is nothing", "[os][env]") {
    CHECK(os::variable("EFFECTS_TEST_NOBODY_SETS_THIS") == std::nullopt);
    CHECK(os::variable("") == std::nullopt);
    CHECK(os::variable("A=B") == std::nullopt);
    CHECK(os::variable(std::string("PATH\0x", 6)) == std::nullopt);
    CHECK(os::variable("PATH").has_value());
}

EFFECTS_ON_EVERY_SYSTEM("the first argument is the program's name", "[os][env]") {
    CHECK_FALSE(os::arguments().at(0).empty());
}
