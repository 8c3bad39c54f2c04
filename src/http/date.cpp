// SPDX-License-Identifier: BSL-1.0
#include "date.hpp"

#include <algorithm>
#include <array>

#include "text.hpp"

namespace effects::http {
namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};

constexpr bool is_delimiter(char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == 9 || (byte >= 0x20 && byte <= 0x2f) || (byte >= 0x3b && byte <= 0x40) ||
           (byte >= 0x5b && byte <= 0x60) || (byte >= 0x7b && byte <= 0x7e);
}

/// The number that `text` begins with, of `least` to `most` digits, taken off its front.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most) {
    int value = 0;
    std::size_t n = 0;
    while (n < text.size() && n < most && is_digit(text[n])) value = value * 10 + (text[n++] - '0');
    if (n < least || (n < text.size() && is_digit(text[n]))) return std::nullopt;
    text.remove_prefix(n);
    return value;
}

std::optional<std::chrono::seconds> parse_time(std::string_view token) {
    std::array<int, 3> parts{};
    for (std::size_t i = 0; i < 3; ++i) {
        if (i > 0) {
            if (token.empty() || token.front() != ':') return std::nullopt;
            token.remove_prefix(1);
        }
        auto n = take_number(token, 1, 2);
        if (!n) return std::nullopt;
        parts[i] = *n;
    }
    if (parts[0] > 23 || parts[1] > 59 || parts[2] > 60) return std::nullopt;
    return std::chrono::hours(parts[0]) + std::chrono::minutes(parts[1]) + std::chrono::seconds(parts[2]);
}

std::optional<unsigned> parse_month(std::string_view token) {
    if (token.size() < 3) return std::nullopt;
    auto name = lowered(token.substr(0, 3));
    for (std::size_t i = 0; i < months.size(); ++i)
        if (months[i] == name) return static_cast<unsigned>(i + 1);
    return std::nullopt;
}

} // namespace

std::string format_date(date moment) {
    constexpr std::string_view days = "SunMonTueWedThuFriSat";
    constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    auto const day = std::chrono::floor<std::chrono::days>(moment);
    std::chrono::year_month_day const ymd(day);
    std::chrono::hh_mm_ss const time(moment - day);
    auto const year = std::clamp(static_cast<int>(ymd.year()), 0, 9999);

    std::string text;
    text.reserve(29);
    auto digits = [&](auto n) { text += {static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)}; };
    text.append(days.substr(3 * std::chrono::weekday(day).c_encoding(), 3)).append(", ");
    digits(static_cast<unsigned>(ymd.day()));
    text.append(" ").append(names.substr(3 * (static_cast<unsigned>(ymd.month()) - 1), 3)).append(" ");
    digits(year / 100);
    digits(year % 100);
    text += ' ';
    digits(time.hours().count());
    text += ':';
    digits(time.minutes().count());
    text += ':';
    digits(time.seconds().count());
    return text += " GMT";
}

std::optional<date> parse_date(std::string_view text) {
    std::optional<std::chrono::seconds> time;
    std::optional<int> day, year;
    std::optional<unsigned> month;
    while (!text.empty()) {
        std::size_t n = 0;
        while (n < text.size() && !is_delimiter(text[n])) ++n;
        auto token = text.substr(0, n);
        text.remove_prefix(n < text.size() ? n + 1 : n);
        if (token.empty()) continue;
        if (!time && (time = parse_time(token))) continue;
        auto rest = token;
        if (!day && (day = take_number(rest, 1, 2))) continue;
        if (!month && (month = parse_month(token))) continue;
        rest = token;
        if (!year) year = take_number(rest, 2, 4);
    }
    if (!time || !day || !month || !year) return std::nullopt;
    if (*year < 70)
        *year += 2000;
    else if (*year < 100)
        *year += 1900;
    auto ymd = std::chrono::year(*year) / std::chrono::month(*month) / std::chrono::day(static_cast<unsigned>(*day));
    if (!ymd.ok() || *year < 1601) return std::nullopt;
    return std::chrono::sys_days(ymd) + *time;
}

} // namespace effects::http
