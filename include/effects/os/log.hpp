// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <effects/operation.hpp>
#include <effects/os/clock.hpp>
#include <effects/os/detail/movable_mutex.hpp>

namespace effects::os {

enum class level { debug, info, warn, error };
std::string_view to_string(level l) noexcept;
std::ostream& operator<<(std::ostream& out, level l);

/// What a line of the log says beside its message: `{"port", 8080}`. Booleans, numbers and text keep their kind.
struct log_field {
    using value_type = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;
    std::string name;
    value_type value;

    log_field(std::string name_, bool v) : name(std::move(name_)), value(v) {}
    template <std::signed_integral T>
    log_field(std::string name_, T v) : name(std::move(name_)), value(static_cast<std::int64_t>(v)) {}
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    log_field(std::string name_, T v) : name(std::move(name_)), value(static_cast<std::uint64_t>(v)) {}
    template <std::floating_point T>
    log_field(std::string name_, T v) : name(std::move(name_)), value(static_cast<double>(v)) {}
    log_field(std::string name_, std::string v) : name(std::move(name_)), value(std::move(v)) {}
    log_field(std::string name_, std::string_view v) : name(std::move(name_)), value(std::string(v)) {}
    log_field(std::string name_, char const* v) : name(std::move(name_)), value(std::string(v)) {}

    bool operator==(log_field const&) const = default;
};
using log_fields = std::vector<log_field>;

namespace operations {

/// What `os::log()` performs. Where nobody answers it, nothing is written: code that logs runs outside a world, too.
struct log {
    using result_type = void;
    os::level level = os::level::info;
    std::string message;
    log_fields fields = {};

    static void default_answer(log const&) noexcept {}
    bool operator==(log const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, log const& op);
};

} // namespace operations

/// Writes lines to the log; see `log`.
struct logger {
    void operator()(level how, std::string message, log_fields fields = {},
                    std::source_location where = std::source_location::current()) const;
    void debug(std::string message, log_fields fields = {},
               std::source_location where = std::source_location::current()) const;
    void info(std::string message, log_fields fields = {},
              std::source_location where = std::source_location::current()) const;
    void warn(std::string message, log_fields fields = {},
              std::source_location where = std::source_location::current()) const;
    void error(std::string message, log_fields fields = {},
               std::source_location where = std::source_location::current()) const;
};

/// Writes a line to the log: what happened, in the same words each time, and in fields what differs.
///
///     os::log.info("listening", {{"port", 8080}, {"tls", true}});
///     os::log(os::level::warn, "retrying");
///
/// Put no secrets in it.
inline constexpr logger log{};

/// Keeps all that is logged, for a test to look at. Any thread.
///
///     os::collected_log lines;
///     effects::handle(body, lines);
///     CHECK(lines.records().at(0).message == "listening");
class collected_log {
public:
    using operations = effects::operations<os::operations::log>;

    /// What has been logged so far, oldest first.
    std::vector<os::operations::log> records() const;
    /// The messages alone.
    std::vector<std::string> messages() const;
    void clear();

    void operator()(os::operations::log line);

private:
    mutable detail::movable_mutex mutex_;
    std::vector<os::operations::log> records_;
};

/// Writes each line to a stream, as a JSON object, at once. Any thread, one line at a time. The stream must outlive it.
///
///     auto shop = effects::handlers(card_terminal{}, os::log_to(std::cerr));
///     // {"time":"2026-01-31T12:00:00.000000000Z","level":"info","message":"listening","port":8080}
///
/// Asks `os::system_now()` for the time, and leaves it out where nobody answers. Bytes that are not UTF-8 become U+FFFD, numbers that
/// JSON has not (NaN) null. A field that is called as one of the three above gets the prefix "fields.".
class log_to {
public:
    using operations = effects::operations<os::operations::log>;

    /// Drops what is below `least`.
    explicit log_to(std::ostream& out, level least = level::debug) noexcept : out_(&out), least_(least) {}

    void operator()(os::operations::log const& line);

private:
    detail::movable_mutex mutex_;
    std::ostream* out_;
    level least_;
};

} // namespace effects::os
