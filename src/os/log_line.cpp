// SPDX-License-Identifier: BSL-1.0
#include <effects/os/detail/log_line.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string_view>
#include <type_traits>
#include <variant>

#include "text.hpp"

namespace effects::os {
namespace {

template <class Number>
void append_number(std::string& out, Number value) {
    std::array<char, 32> digits;
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
    std::string const digits = std::to_string(value);
    if (digits.size() < width) out.append(width - digits.size(), '0');
    out += digits;
}

// RFC 3339, in UTC, to the unit of the duration: milliseconds, nanoseconds.
template <class Unit>
void append_time(std::string& out, std::chrono::sys_time<Unit> at) {
    auto const day = std::chrono::floor<std::chrono::days>(at);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss const time(at - day);
    append_padded(out, static_cast<int>(date.year()), 4);
    append_padded(out += '-', static_cast<unsigned>(date.month()), 2);
    append_padded(out += '-', static_cast<unsigned>(date.day()), 2);
    append_padded(out += 'T', time.hours().count(), 2);
    append_padded(out += ':', time.minutes().count(), 2);
    append_padded(out += ':', time.seconds().count(), 2);
    append_padded(out += '.', time.subseconds().count(), time.fractional_width);
    out += 'Z';
}

// ---- for machines ----

std::string json_line(std::optional<system_time> at, operations::log const& line) {
    std::string out = "{";
    if (at) {
        append_time(out += "\"time\":\"", *at);
        out += "\",";
    }
    out.append("\"level\":\"").append(to_string(line.level)).append("\",\"message\":");
    append_json(out, line.message);
    for (log_field const& field : line.fields) {
        bool const taken = field.name == "time" || field.name == "level" || field.name == "message";
        out += ',';
        append_json(out, taken ? "fields." + field.name : field.name);
        out += ':';
        detail::append_value(out, field.value);
    }
    return out += "}\n";
}

// ---- for people ----

// Of ECMA-48 (SGR); those of the terminal's own palette, which can be read on light and dark.
constexpr std::string_view dim = "2";

std::string_view colour_of(level l) noexcept {
    switch (l) {
    case level::debug:
        return dim;
    case level::info:
        return "32"; // green
    case level::warn:
        return "33"; // yellow
    case level::error:
        return "1;31"; // bold red
    }
    return dim;
}

class painter {
public:
    painter(std::string& out, bool colours) noexcept : out_(out), colours_(colours) {}

    template <class Append>
    void paint(std::string_view colour, Append append) {
        if (colours_) out_.append("\x1B[").append(colour) += 'm';
        append();
        if (colours_) out_ += "\x1B[0m";
    }

private:
    std::string& out_;
    bool colours_;
};

// One plain word as it is, everything else in quotes, so that no text looks like another field.
void append_word(std::string& out, std::string_view text) {
    std::string const shown = printable_line(text);
    if (!text.empty() && shown == text && text.find_first_of(" \"=\\") == text.npos) {
        out += shown;
        return;
    }
    std::string quoted = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    out += printable_line(quoted += '"');
}

std::string text_line(std::optional<system_time> at, operations::log const& line, bool colours) {
    std::string out;
    painter painted(out, colours);
    if (at) {
        painted.paint(dim, [&] { append_time(out, std::chrono::floor<std::chrono::milliseconds>(*at)); });
        out += ' ';
    }
    std::string_view const level = to_string(line.level);
    painted.paint(colour_of(line.level), [&] { out += level; });
    out.append(level.size() < 6 ? 6 - level.size() : 1, ' ');
    out += printable_line(line.message);
    for (log_field const& field : line.fields) {
        out += ' ';
        painted.paint(dim, [&] {
            append_word(out, field.name);
            out += '=';
        });
        if (auto const* text = std::get_if<std::string>(&field.value))
            append_word(out, *text);
        else
            detail::append_value(out, field.value);
    }
    return out += '\n';
}

} // namespace

void detail::append_value(std::string& out, log_field::value_type const& value) {
    std::visit(
        [&](auto const& v) {
            using type = std::remove_cvref_t<decltype(v)>;
            if constexpr (std::is_same_v<type, bool>)
                out += v ? "true" : "false";
            else if constexpr (std::is_same_v<type, std::string>)
                append_json(out, v);
            else if constexpr (std::is_same_v<type, double>)
                std::isfinite(v) ? append_number(out, v) : void(out += "null");
            else
                append_number(out, v);
        },
        value);
}

std::string detail::log_line(log_format format, std::optional<system_time> at, operations::log const& line) {
    return format == log_format::json ? json_line(at, line) : text_line(at, line, format == log_format::coloured);
}

} // namespace effects::os
