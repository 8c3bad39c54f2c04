// SPDX-License-Identifier: BSL-1.0
#include <effects/sql/value.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ostream>

namespace effects::sql {
namespace {

constexpr std::size_t printed_at_most = 64;

[[noreturn]] void throw_mismatch(value const& v, std::string_view wanted) {
    if (v.is_null())
        throw conversion_error("22002",
                               "null cannot be read as " + std::string(wanted) + " (a std::optional of it can)", {});
    throw conversion_error(std::string(name_of(v.kind())) + " cannot be read as " + std::string(wanted));
}

[[noreturn]] void throw_out_of_range(std::string_view wanted) {
    throw conversion_error("22003", "the integer is out of the range of " + std::string(wanted), {});
}

template <class T>
T const* alternative(value const& v) noexcept {
    return std::get_if<T>(&v.alternatives());
}

// Cut between characters, so that what is printed stays UTF-8.
std::string_view cut(std::string_view text) noexcept {
    if (text.size() <= printed_at_most) return text;
    std::size_t end = printed_at_most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end);
}

struct printer {
    std::ostream& out;

    void operator()(null_t) const { out << "null"; }
    void operator()(bool b) const { out << (b ? "true" : "false"); }
    void operator()(std::int64_t i) const { out << i; }
    void operator()(
        double d) const { // the shortest form that reads back as the same number, always with a sign of being real
        char text[40];
        auto end = std::to_chars(text, text + sizeof text, d).ptr;
        std::string_view shown(text, static_cast<std::size_t>(end - text));
        out << shown;
        if (shown.find_first_not_of("-0123456789") == std::string_view::npos) out << ".0";
    }
    void operator()(std::string const& text) const {
        auto shown = cut(text);
        out << '\'';
        for (char c : shown) {
            auto byte = static_cast<unsigned char>(c);
            char escaped[8];
            if (c == '\'') {
                out << "''";
            } else if (byte < 0x20 || byte == 0x7F) {
                std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
                out << escaped;
            } else {
                out << c;
            }
        }
        out << '\'';
        if (shown.size() < text.size()) out << "… (" << text.size() << " bytes)";
    }
    void operator()(blob const& bytes) const {
        auto shown = std::min(bytes.size(), printed_at_most / 2);
        out << "x'";
        for (std::size_t i = 0; i < shown; ++i) {
            auto byte = std::to_integer<unsigned>(bytes[i]);
            out << "0123456789abcdef"[byte >> 4] << "0123456789abcdef"[byte & 15];
        }
        out << '\'';
        if (shown < bytes.size()) out << "… (" << bytes.size() << " bytes)";
    }
    void operator()(timestamp t) const { out << '\'' << to_text(t) << '\''; }
};

// Reads digits at the front of `text`; each call takes what it read away.
class scanner {
public:
    explicit scanner(std::string_view text) noexcept : text_(text) {}

    bool done() const noexcept { return text_.empty(); }
    bool take(char c) noexcept {
        if (text_.empty() || text_.front() != c) return false;
        text_.remove_prefix(1);
        return true;
    }
    // Exactly `count` digits.
    bool number(int count, int& out) noexcept {
        if (text_.size() < static_cast<std::size_t>(count)) return false;
        int sum = 0;
        for (int i = 0; i < count; ++i) {
            char c = text_[static_cast<std::size_t>(i)];
            if (c < '0' || c > '9') return false;
            sum = sum * 10 + (c - '0');
        }
        text_.remove_prefix(static_cast<std::size_t>(count));
        out = sum;
        return true;
    }
    // One to six digits, as millionths; a seventh that is not 0 would be lost, so it is refused.
    bool millionths(int& out) noexcept {
        int sum = 0, digits = 0;
        while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9') {
            if (digits < 6)
                sum = sum * 10 + (text_.front() - '0');
            else if (text_.front() != '0')
                return false;
            ++digits;
            text_.remove_prefix(1);
        }
        if (digits == 0) return false;
        for (; digits < 6; ++digits) sum *= 10;
        out = sum;
        return true;
    }

private:
    std::string_view text_;
};

} // namespace

std::string_view name_of(kind k) noexcept {
    switch (k) {
    case kind::nothing:
        return "null";
    case kind::boolean:
        return "a boolean";
    case kind::integer:
        return "an integer";
    case kind::real:
        return "a real";
    case kind::text:
        return "text";
    case kind::bytes:
        return "a blob";
    case kind::moment:
        return "a timestamp";
    }
    return "?";
}

value::value(value const& other) = default;
value::value(value&& other) noexcept = default;
value& value::operator=(value const& other) = default;
value& value::operator=(value&& other) noexcept = default;
value::~value() = default;

value::storage value::alternatives() && noexcept { return std::move(storage_); }
bool value::operator==(value const& other) const { return storage_ == other.storage_; }

std::ostream& operator<<(std::ostream& out, value const& v) {
    std::visit(printer{out}, v.storage_);
    return out;
}

std::string to_text(timestamp t) {
    auto day = std::chrono::floor<std::chrono::days>(t);
    std::chrono::year_month_day date(day);
    std::chrono::hh_mm_ss time(t - day);
    char text[64];
    int length = std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                               static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                               static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                               static_cast<int>(time.seconds().count()));
    if (auto fraction = time.subseconds().count())
        length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), ".%06d",
                                static_cast<int>(fraction));
    return {text, static_cast<std::size_t>(length)};
}

std::optional<timestamp> timestamp_from_text(std::string_view text) noexcept {
    using namespace std::chrono;
    scanner in(text);
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, us = 0, offset = 0;
    if (!in.number(4, y) || !in.take('-') || !in.number(2, mo) || !in.take('-') || !in.number(2, d)) return {};
    if (!in.done()) {
        if (!in.take(' ') && !in.take('T')) return {};
        if (!in.number(2, h) || !in.take(':') || !in.number(2, mi)) return {};
        if (in.take(':') && (!in.number(2, s) || (in.take('.') && !in.millionths(us)))) return {};
        bool plus = in.take('+');
        if (plus || in.take('-')) {
            int hours = 0, rest = 0;
            if (!in.number(2, hours)) return {};
            in.take(':');
            if (!in.done() && !in.number(2, rest)) return {};
            if (hours > 23 || rest > 59) return {};
            offset = (plus ? 1 : -1) * (hours * 60 + rest);
        } else {
            in.take('Z');
        }
        if (!in.done() || h > 23 || mi > 59 || s > 59) return {};
    }
    year_month_day date(year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d)));
    if (!date.ok()) return {};
    return timestamp(sys_days(date)) + hours(h) + minutes(mi - offset) + seconds(s) + microseconds(us);
}

namespace detail {

void throw_unsigned_out_of_range() {
    throw conversion_error("22003", "an unsigned parameter is above the largest 64-bit integer of SQL", {});
}

void throw_moment_not_exact() {
    throw conversion_error("22003", "the moment does not fit the unit that it is read in", {});
}

std::int64_t read_integer(value const& v, std::int64_t low, std::int64_t high, char const* wanted) {
    std::int64_t found = 0;
    if (auto const* i = alternative<std::int64_t>(v))
        found = *i;
    else if (auto const* b = alternative<bool>(v))
        found = *b ? 1 : 0;
    else
        throw_mismatch(v, wanted);
    if (found < low || found > high) throw_out_of_range(wanted);
    return found;
}

std::uint64_t read_unsigned(value const& v, std::uint64_t high, char const* wanted) {
    auto found =
        read_integer(v, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), wanted);
    if (found < 0 || static_cast<std::uint64_t>(found) > high) throw_out_of_range(wanted);
    return static_cast<std::uint64_t>(found);
}

bool read_boolean(value const& v) {
    if (auto const* b = alternative<bool>(v)) return *b;
    auto const* i = alternative<std::int64_t>(v);
    if (!i) throw_mismatch(v, "a boolean");
    if (*i != 0 && *i != 1) throw_out_of_range("a boolean");
    return *i == 1;
}

double read_double(value const& v) {
    if (auto const* d = alternative<double>(v)) return *d;
    auto const* i = alternative<std::int64_t>(v);
    if (!i) throw_mismatch(v, "a double");
    // Every integer up to 2^53 is a double; above, those that survive the way there and back.
    auto found = static_cast<double>(*i);
    if (found >= 0x1p63 || static_cast<std::int64_t>(found) != *i)
        throw_out_of_range("the integers that a double holds");
    return found;
}

std::string read_text(value const& v) {
    if (auto const* text = alternative<std::string>(v)) return *text;
    throw_mismatch(v, "text");
}

blob read_blob(value const& v) {
    if (auto const* bytes = alternative<blob>(v)) return *bytes;
    throw_mismatch(v, "a blob");
}

timestamp read_timestamp(value const& v) {
    if (auto const* t = alternative<timestamp>(v)) return *t;
    if (auto const* text = alternative<std::string>(v)) {
        if (auto t = timestamp_from_text(*text)) return *t;
        throw conversion_error("text that is no date and time cannot be read as a timestamp");
    }
    throw_mismatch(v, "a timestamp");
}

} // namespace detail
} // namespace effects::sql
