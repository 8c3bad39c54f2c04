// SPDX-License-Identifier: BSL-1.0
#include <effects/os/log.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <ostream>
#include <type_traits>

#include <effects/os/detail/json_line.hpp>
#include <effects/perform.hpp>

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

// RFC 3339, in UTC, to the nanosecond.
void append_time(std::string& out, system_time at) {
    auto const day = std::chrono::floor<std::chrono::days>(at);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss const time(at - day);
    append_padded(out, static_cast<int>(date.year()), 4);
    append_padded(out += '-', static_cast<unsigned>(date.month()), 2);
    append_padded(out += '-', static_cast<unsigned>(date.day()), 2);
    append_padded(out += 'T', time.hours().count(), 2);
    append_padded(out += ':', time.minutes().count(), 2);
    append_padded(out += ':', time.seconds().count(), 2);
    append_padded(out += '.', time.subseconds().count(), 9);
    out += 'Z';
}

void append_value(std::string& out, log_field::value_type const& value) {
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

std::optional<system_time> time_if_known() {
    try {
        return system_now();
    } catch (unhandled_operation const&) {
        return std::nullopt;
    }
}

} // namespace

std::string_view to_string(level l) noexcept {
    switch (l) {
    case level::debug:
        return "debug";
    case level::info:
        return "info";
    case level::warn:
        return "warn";
    case level::error:
        return "error";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, level l) { return out << to_string(l); }

namespace operations {
std::ostream& operator<<(std::ostream& out, log const& op) {
    out << "os::log " << op.level << ": " << printable(op.message);
    for (log_field const& field : op.fields) {
        std::string value;
        append_value(value, field.value);
        out << ' ' << printable(field.name) << '=' << value;
    }
    return out;
}
} // namespace operations

void logger::operator()(level how, std::string message, log_fields fields, std::source_location where) const {
    perform(operations::log{how, std::move(message), std::move(fields)}, where);
}
void logger::debug(std::string message, log_fields fields, std::source_location where) const {
    (*this)(level::debug, std::move(message), std::move(fields), where);
}
void logger::info(std::string message, log_fields fields, std::source_location where) const {
    (*this)(level::info, std::move(message), std::move(fields), where);
}
void logger::warn(std::string message, log_fields fields, std::source_location where) const {
    (*this)(level::warn, std::move(message), std::move(fields), where);
}
void logger::error(std::string message, log_fields fields, std::source_location where) const {
    (*this)(level::error, std::move(message), std::move(fields), where);
}

std::vector<operations::log> collected_log::records() const {
    std::lock_guard lock(mutex_);
    return records_;
}

std::vector<std::string> collected_log::messages() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (auto const& r : records_) all.push_back(r.message);
    return all;
}

void collected_log::clear() {
    std::lock_guard lock(mutex_);
    records_.clear();
}

void collected_log::operator()(os::operations::log line) {
    std::lock_guard lock(mutex_);
    records_.push_back(std::move(line));
}

void log_to::operator()(os::operations::log const& line) {
    if (line.level < least_) return;
    std::string const text = detail::json_line(time_if_known(), line);
    std::lock_guard lock(mutex_);
    out_->write(text.data(), static_cast<std::streamsize>(text.size())).flush();
}

std::string detail::json_line(std::optional<system_time> at, operations::log const& line) {
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
        append_value(out, field.value);
    }
    return out += "}\n";
}

} // namespace effects::os
