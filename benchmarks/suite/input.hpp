// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>
#include <system_error>

// What the programs of the suite share: the one argument, and the operation of the benchmarks.
namespace suite {

// `main` of a program that prints what `run` makes of its only argument, a number from 0 to `most`.
template <class Run>
int main_with(int argc, char** argv, std::int64_t most, Run run) {
    char const* name = argc > 0 ? argv[0] : "suite";
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s <n>   (one number, %d arguments were given)\n", name, argc - 1);
        return 2;
    }
    std::string_view text = argv[1];
    std::int64_t n = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size() || n < 0 || n > most) {
        std::fprintf(stderr, "%s: <n> must be a whole number from 0 to %lld, not '%s'\n", name,
                     static_cast<long long>(most), argv[1]);
        return 2;
    }
    try {
        std::printf("%lld\n", static_cast<long long>(run(n)));
        return 0;
    } catch (std::exception const& e) {
        std::fprintf(stderr, "%s: %s\n", name, e.what());
        return 1;
    }
}

// abs(x − 503y + 37) mod 1009
inline std::int64_t mix(std::int64_t x, std::int64_t y) {
    std::int64_t value = x - 503 * y + 37;
    return (value < 0 ? -value : value) % 1009;
}

} // namespace suite
