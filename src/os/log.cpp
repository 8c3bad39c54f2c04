// SPDX-License-Identifier: BSL-1.0
#include <effects/os/log.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <ostream>

#include <effects/os/detail/log_line.hpp>
#include <effects/perform.hpp>

#include "text.hpp"

namespace effects::os {
namespace {

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
        detail::append_value(value, field.value);
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

void detail::adds_log_fields::operator()(operations::log line, std::source_location where) const {
    log_fields all;
    all.reserve(fields.size() + line.fields.size());
    for (log_field const& mine : fields) {
        bool const said = std::ranges::any_of(line.fields, [&](auto const& own) { return own.name == mine.name; });
        if (!said) all.push_back(mine);
    }
    std::ranges::move(line.fields, std::back_inserter(all));
    line.fields = std::move(all);
    perform(std::move(line), where);
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
    std::string const text = detail::log_line(format_, time_if_known(), line);
    std::lock_guard lock(mutex_);
    out_->write(text.data(), static_cast<std::streamsize>(text.size())).flush();
}

} // namespace effects::os
