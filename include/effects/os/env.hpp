// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include <effects/operation.hpp>
#include <effects/os/detail/movable_mutex.hpp>

namespace effects::os {

namespace operations {

/// What `os::variable()` performs.
struct variable {
    using result_type = std::optional<std::string>;
    std::string name;
    bool operator==(variable const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, variable const& op);
};

/// What `os::arguments()` performs.
struct arguments {
    using result_type = std::vector<std::string>;
    bool operator==(arguments const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, arguments const& op);
};

} // namespace operations

/// An environment variable, or nothing where it is not set (set to nothing is an empty string).
///
///     auto home = os::variable("HOME").value_or("/");
std::optional<std::string> variable(std::string name, std::source_location where = std::source_location::current());

namespace detail {
struct arguments_function {
    std::vector<std::string> operator()(std::source_location where = std::source_location::current()) const;
};
} // namespace detail

/// The program's arguments; the first is its own name.
///
///     std::vector<std::string> words = os::arguments();
inline constexpr detail::arguments_function arguments{};

/// An environment of one's own. Any thread.
///
///     effects::handle(body, os::in_memory_env{{{"HOME", "/x"}}, {"backup", "--dry-run"}});
class in_memory_env {
public:
    using operations = effects::operations<os::operations::variable, os::operations::arguments>;

    explicit in_memory_env(std::map<std::string, std::string, std::less<>> variables = {},
                           std::vector<std::string> words = {});

    void set(std::string name, std::string value);
    void unset(std::string_view name);

    std::optional<std::string> operator()(os::operations::variable const& op) const;
    std::vector<std::string> operator()(os::operations::arguments const&) const;

private:
    mutable detail::movable_mutex mutex_;
    std::map<std::string, std::string, std::less<>> variables_;
    std::vector<std::string> arguments_;
};

} // namespace effects::os
