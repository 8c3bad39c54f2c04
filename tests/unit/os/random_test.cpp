// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <effects/effects.hpp>
#include <effects/os/random.hpp>

namespace os = effects::os;

namespace {

// Answers with the given bits, one after the other; more than those may not be asked for.
auto drawing(std::vector<std::uint64_t> bits) {
    return [bits = std::move(bits), next = std::size_t{0}](os::operations::random_bits const&) mutable {
        return bits.at(next++);
    };
}

template <class F>
auto with_seed(std::uint64_t seed, F f) {
    return effects::handle(f, os::seeded{seed});
}

} // namespace

TEST_CASE("a seed gives the numbers of xoshiro256**, on every machine", "[os][random]") {
    // The reference implementation's, with the state that splitmix64 makes of the seed.
    auto const first = with_seed(7, [] { return std::array{os::random_bits(), os::random_bits(), os::random_bits()}; });

    CHECK(first == std::array<std::uint64_t, 3>{0xB358FAF74EF9765A, 0x475C3D964F482CD2, 0xD6F1D349952C7996});
}

TEST_CASE("two seeds give different numbers, one seed the same ones", "[os][random]") {
    CHECK(with_seed(1, os::random_bits) == with_seed(1, os::random_bits));
    CHECK(with_seed(1, os::random_bits) != with_seed(2, os::random_bits));
    CHECK(with_seed(0, os::random_bits) != 0);
}

TEST_CASE("uniform gives every number of its range, about equally often", "[os][random]") {
    auto const counts = with_seed(3, [] {
        std::map<int, int> seen;
        for (int i = 0; i < 60'000; ++i) ++seen[os::uniform(-2, 3)];
        return seen;
    });

    CHECK(counts.size() == 6);
    CHECK(counts.begin()->first == -2);
    CHECK(counts.rbegin()->first == 3);
    for (auto const& [number, count] : counts) CHECK(std::abs(count - 10'000) < 500); // five standard deviations
}

TEST_CASE("uniform over one number is that number", "[os][random]") {
    CHECK(with_seed(1, [] { return os::uniform(42, 42); }) == 42);
}

TEST_CASE("uniform over nothing is a bug", "[os][random]") {
    CHECK_THROWS_AS(with_seed(1, [] { return os::uniform(6, 1); }), std::invalid_argument);
    CHECK_THROWS_AS(with_seed(1, [] { return os::uniform(1U, 0U); }), std::invalid_argument);
    CHECK_THROWS_AS(with_seed(1, [] { return os::uniform(1.0, 0.5); }), std::invalid_argument);
}

TEST_CASE("uniform spans the whole range of its type", "[os][random]") {
    using signed_limits = std::numeric_limits<std::int64_t>;
    using unsigned_limits = std::numeric_limits<std::uint64_t>;
    auto bits = [](std::uint64_t drawn, auto lo, auto hi) {
        return effects::handle([&] { return os::uniform(lo, hi); }, drawing({drawn}));
    };

    CHECK(bits(0x123456789ABCDEF0, unsigned_limits::min(), unsigned_limits::max()) == 0x123456789ABCDEF0);
    CHECK(bits(0, signed_limits::min(), signed_limits::max()) == signed_limits::min());
    CHECK(bits(unsigned_limits::max(), signed_limits::min(), signed_limits::max()) == signed_limits::max());
    CHECK(bits(unsigned_limits::max(), std::int8_t{-128}, std::int8_t{127}) == 127);
    CHECK(bits(0x4000, std::int8_t{-128}, std::int8_t{127}) == -128);
}

TEST_CASE("uniform draws again where the bits would favour some numbers", "[os][random]") {
    // 2^64 mod 3 is 1: of all the draws, zero alone is one too many.
    auto const chosen = effects::handle([] { return os::uniform(0, 2); }, drawing({0, std::uint64_t{1} << 63}));

    CHECK(chosen == 1);
}

TEST_CASE("uniform over reals includes the low end and not the high one", "[os][random]") {
    auto with_bits = [](std::uint64_t bits, double lo, double hi) {
        return effects::handle([&] { return os::uniform(lo, hi); }, drawing({bits}));
    };
    auto const all_ones = std::numeric_limits<std::uint64_t>::max();

    CHECK(with_bits(0, 2.0, 3.0) == 2.0);
    CHECK(with_bits(std::uint64_t{1} << 63, 2.0, 3.0) == 2.5);
    CHECK(with_bits(all_ones, 0.0, 1.0) < 1.0);
    CHECK(with_bits(all_ones, 1.0, std::nextafter(1.0, 2.0)) == 1.0);
    CHECK(with_bits(all_ones, 1.0, 1.0) == 1.0);
    CHECK_THROWS_AS(with_bits(0, 0.0, std::numeric_limits<double>::infinity()), std::invalid_argument);
    CHECK_THROWS_AS(with_bits(0, std::numeric_limits<double>::quiet_NaN(), 1.0), std::invalid_argument);
    CHECK_THROWS_AS(with_bits(0, std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max()),
                    std::invalid_argument);
}

TEST_CASE("shuffling keeps the elements and reaches every order", "[os][random]") {
    auto const orders = with_seed(5, [] {
        std::map<std::vector<int>, int> seen;
        for (int i = 0; i < 12'000; ++i) {
            std::vector<int> deck{1, 2, 3};
            os::shuffle(deck);
            ++seen[deck];
        }
        return seen;
    });

    CHECK(orders.size() == 6);
    for (auto const& [order, count] : orders) {
        CHECK(std::is_permutation(order.begin(), order.end(), std::vector{1, 2, 3}.begin()));
        CHECK(std::abs(count - 2'000) < 250);
    }
}

TEST_CASE("shuffling nothing, or one thing, draws nothing", "[os][random]") {
    std::vector<int> none, one{1};

    effects::handle(
        [&] {
            os::shuffle(none);
            os::shuffle(one);
        },
        drawing({}));

    CHECK(none.empty());
    CHECK(one == std::vector{1});
}

TEST_CASE("a uuid has version 4 and the RFC's variant, whatever the bits", "[os][random]") {
    auto uuid_of = [](std::uint64_t high, std::uint64_t low) {
        return effects::handle(os::uuid, drawing({high, low}));
    };

    CHECK(uuid_of(0, 0) == "00000000-0000-4000-8000-000000000000");
    CHECK(uuid_of(~std::uint64_t{0}, ~std::uint64_t{0}) == "ffffffff-ffff-4fff-bfff-ffffffffffff");
    CHECK(uuid_of(0x0123456789ABCDEF, 0x0123456789ABCDEF) == "01234567-89ab-4def-8123-456789abcdef");
}

TEST_CASE("uuids differ", "[os][random]") {
    auto const all = with_seed(9, [] {
        std::set<std::string> seen;
        for (int i = 0; i < 1000; ++i) seen.insert(os::uuid());
        return seen;
    });

    CHECK(all.size() == 1000);
}

TEST_CASE("an inner handler of random bits replaces the outer one", "[os][random]") {
    auto const chosen = with_seed(
        1, [] { return effects::handle(os::random_bits, [](os::operations::random_bits const&) { return 5U; }); });

    CHECK(chosen == 5);
}

TEST_CASE("what is asked of a world that is not there names the caller's line, and the need of a world",
          "[os][random]") {
    auto place_of = [](auto&& f) -> unsigned {
        try {
            f();
        } catch (effects::unhandled_operation const& e) {
            CHECK_THAT(e.what(), Catch::Contains("live::run, sim::run, test::run"));
            CHECK(std::string_view(e.where().file_name()).ends_with("random_test.cpp"));
            return e.where().line();
        }
        return 0;
    };
    std::vector<int> cards{1, 2};
    unsigned const line = __LINE__;
    CHECK(place_of([] { os::random_bits(); }) == line + 1);
    CHECK(place_of([] { os::uuid(); }) == line + 2);
    CHECK(place_of([] { os::uniform(1, 6); }) == line + 3);
    CHECK(place_of([] { os::uniform(1.0, 6.0); }) == line + 4);
    CHECK(place_of([&] { os::shuffle(cards); }) == line + 5);
}
