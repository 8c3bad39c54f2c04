// SPDX-License-Identifier: BSL-1.0
#include <effects/os/random.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <ostream>
#include <stdexcept>

#include <effects/perform.hpp>

namespace effects::os {
namespace {

struct product {
    std::uint64_t high;
    std::uint64_t low;
};

// The whole product of two numbers, without the compilers' 128-bit type, which ISO C++ has not.
product multiply(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t const a0 = a & 0xFFFFFFFF, a1 = a >> 32, b0 = b & 0xFFFFFFFF, b1 = b >> 32;
    std::uint64_t const low = a0 * b0;
    std::uint64_t const middle = a1 * b0 + (low >> 32);
    std::uint64_t const other = a0 * b1 + (middle & 0xFFFFFFFF);
    return {a1 * b1 + (middle >> 32) + (other >> 32), (other << 32) | (low & 0xFFFFFFFF)};
}

} // namespace

std::uint64_t detail::random_bits_function::operator()(std::source_location where) const {
    return perform(operations::random_bits{}, where);
}

namespace operations {
std::ostream& operator<<(std::ostream& out, random_bits const&) { return out << "os::random_bits"; }
} // namespace operations

namespace detail {

// Lemire, "Fast Random Integer Generation in an Interval" (2019), algorithm 5.
std::uint64_t uniform_offset(std::uint64_t span, std::source_location where) {
    std::uint64_t const count = span + 1;
    if (count == 0) return random_bits(where); // all of them
    product drawn = multiply(random_bits(where), count);
    if (drawn.low < count) {
        std::uint64_t const threshold = (0 - count) % count;
        while (drawn.low < threshold) drawn = multiply(random_bits(where), count);
    }
    return drawn.high;
}

void throw_empty_range() { throw std::invalid_argument("os::uniform: the lowest number is above the highest"); }

} // namespace detail

double uniform(double lo, double hi, std::source_location where) {
    if (!std::isfinite(lo) || !std::isfinite(hi) || !std::isfinite(hi - lo))
        throw std::invalid_argument("os::uniform: the range is not finite");
    if (lo > hi) detail::throw_empty_range();
    double const fraction = static_cast<double>(random_bits(where) >> 11) * 0x1p-53;
    double const value = lo + (hi - lo) * fraction;
    return value < hi ? value : lo; // rounding may reach the end, which is not included
}

std::string detail::uuid_function::operator()(std::source_location where) const {
    std::array<std::uint64_t, 2> halves;
    for (std::uint64_t& half : halves) half = random_bits(where);
    halves[0] = (halves[0] & ~std::uint64_t{0xF000}) | 0x4000;                      // version 4
    halves[1] = (halves[1] & ~(std::uint64_t{3} << 62)) | (std::uint64_t{2} << 62); // the variant of RFC 9562
    std::string text;
    text.reserve(36);
    for (int digit = 0; digit < 32; ++digit) {
        if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text += '-';
        text += "0123456789abcdef"[halves[static_cast<std::size_t>(digit / 16)] >> (60 - 4 * (digit % 16)) & 15];
    }
    return text;
}

seeded::seeded(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) { // splitmix64
        std::uint64_t z = seed += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        word = z ^ (z >> 31);
    }
}

std::uint64_t seeded::operator()(os::operations::random_bits const&) noexcept {
    std::lock_guard lock(mutex_);
    auto& s = state_;
    std::uint64_t const result = std::rotl(s[1] * 5, 7) * 9;
    std::uint64_t const t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = std::rotl(s[3], 45);
    return result;
}

} // namespace effects::os
