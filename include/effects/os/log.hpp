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

#include <effects/clause.hpp>
#include <effects/handle.hpp>
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

namespace detail {
struct adds_log_fields {
    log_fields fields;
    void operator()(operations::log line, std::source_location where) const;
};
} // namespace detail

/// A handler that adds fields to every line that is logged inside it, before the line's own, and passes it on. A line's own field wins over
/// one of the same name, an inner context's over an outer's. Any thread.
///
///     live::run(serve, os::log_context({{"service", "orders"}, {"version", 3}}));
///
/// See `os::log.with`, which installs one around a body.
inline auto log_context(log_fields fields) { return on<operations::log>(detail::adds_log_fields{std::move(fields)}); }

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

    /// Runs `body` with fields that all its lines get, and those of the tasks whose groups are made in it, wherever they end up; gives what it
    /// returns. Other tasks do not see them.
    ///
    ///     os::log.with({{"request", id}}, [&] {
    ///         os::log.info("begun");                            // request=17
    ///         async::all(ask_stock, ask_price);                 // and so does what these two log
    ///     });
    ///
    /// Nothing of a task is bound to it: the context is a handler (`os::log_context`), which tasks inherit as they do all others. It works outside a
    /// world, too.
    template <class F>
    decltype(auto) with(log_fields fields, F&& body) const {
        return handle(std::forward<F>(body), log_context(std::move(fields)));
    }
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

/// How a line of the log is written.
///
///     json      {"time":"2026-01-31T12:00:00.000000000Z","level":"info","message":"listening","port":8080,"host":"a b"}
///     text      2026-01-31T12:00:00.000Z info  listening port=8080 host="a b"
///     coloured  the same, with ANSI colours by level, for a terminal
///
/// Whatever is logged, a line stays one line. In JSON, bytes that are not UTF-8 become U+FFFD and numbers that it has not (NaN) null; a field that is
/// called as one of the first three gets the prefix "fields.". In the others, control characters (escape sequences, line ends, those that
/// turn the direction of writing) and bytes that are not UTF-8 are written as \xNN, byte by byte; a field's text is in quotes where it is not one plain word.
enum class log_format { json, text, coloured };

/// Writes each line to a stream, at once; as JSON, unless told otherwise. Any thread, one line at a time. The stream must outlive it.
///
///     auto shop = effects::handlers(card_terminal{}, os::log_to(std::cerr));
///     os::log_to readable(std::cout, os::level::info, os::log_format::text);
///
/// Asks `os::system_now()` for the time, and leaves it out where nobody answers. A stream does not tell whether it is a terminal: the
/// machine's `live::stderr_log` finds out by itself.
class log_to {
public:
    using operations = effects::operations<os::operations::log>;

    /// Drops what is below `least`.
    explicit log_to(std::ostream& out, level least = level::debug, log_format format = log_format::json) noexcept
        : out_(&out), least_(least), format_(format) {}

    void operator()(os::operations::log const& line);

private:
    detail::movable_mutex mutex_;
    std::ostream* out_;
    level least_;
    log_format format_;
};

} // namespace effects::os
