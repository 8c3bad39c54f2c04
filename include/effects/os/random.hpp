// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <iterator>
#include <ranges>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <effects/operation.hpp>
#include <effects/os/detail/movable_mutex.hpp>

namespace effects::os {

namespace operations {

/// What all random functions perform.
struct random_bits {
    using result_type = std::uint64_t;
    bool operator==(random_bits const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, random_bits const& op);
};

} // namespace operations

namespace detail {
struct random_bits_function {
    std::uint64_t operator()(std::source_location where = std::source_location::current()) const;
};
struct uuid_function {
    std::string operator()(std::source_location where = std::source_location::current()) const;
};
} // namespace detail

/// 64 random bits: unpredictable in `live` (fit for tokens and identifiers), decided by the seed in `sim`. `os::random_bits()`.
inline constexpr detail::random_bits_function random_bits{};

namespace detail {
std::uint64_t uniform_offset(std::uint64_t span,
                             std::source_location where); // in [0, span], each with the same probability
[[noreturn]] void throw_empty_range();
} // namespace detail

/// A whole number from `lo` to `hi`, both included, each with the same probability.
///
///     int die = os::uniform(1, 6);
///
/// `lo > hi` throws std::invalid_argument. The bits that were drawn decide it in the same way on every compiler.
template <std::integral T>
    requires(!std::same_as<T, bool> && sizeof(T) <= sizeof(std::uint64_t))
T uniform(T lo, T hi, std::source_location where = std::source_location::current()) {
    if (lo > hi) detail::throw_empty_range();
    // Modulo 2^64, so that the whole range of T fits.
    auto const from = static_cast<std::uint64_t>(lo);
    return static_cast<T>(from + detail::uniform_offset(static_cast<std::uint64_t>(hi) - from, where));
}

/// A number in [lo, hi), in steps of (hi - lo) / 2^53; `lo` where they are equal. `lo > hi`, or a range that is not finite, throws
/// std::invalid_argument.
double uniform(double lo, double hi, std::source_location where = std::source_location::current());

/// Puts the elements of a range into random order, each order with the same probability.
template <std::ranges::random_access_range Range>
    requires std::ranges::sized_range<Range> && std::permutable<std::ranges::iterator_t<Range>>
void shuffle(Range&& range, std::source_location where = std::source_location::current()) {
    auto const first = std::ranges::begin(range);
    for (auto left = std::ranges::ssize(range); left > 1; --left) {
        auto const chosen = static_cast<std::ranges::range_difference_t<Range>>(
            detail::uniform_offset(static_cast<std::uint64_t>(left - 1), where));
        if (chosen != left - 1) std::ranges::iter_swap(first + (left - 1), first + chosen);
    }
}

/// A random identifier, version 4 of RFC 9562: "f81d4fae-7dec-4d0a-a765-00a0c91e6bf6".
inline constexpr detail::uuid_function uuid{};

/// Numbers that look random and are decided by a seed, the same on every machine and compiler (xoshiro256**, whose state
/// splitmix64 makes of the seed; https://prng.di.unimi.it). Predictable: not for secrets. Any thread.
///
///     effects::handle(deal_cards, os::seeded{7});
class seeded {
public:
    using operations = effects::operations<os::operations::random_bits>;

    explicit seeded(std::uint64_t seed) noexcept;
    std::uint64_t operator()(os::operations::random_bits const&) noexcept;

private:
    detail::movable_mutex mutex_;
    std::array<std::uint64_t, 4> state_;
};

} // namespace effects::os
