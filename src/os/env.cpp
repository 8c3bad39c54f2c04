// SPDX-License-Identifier: BSL-1.0
#include <effects/os/env.hpp>

#include <ostream>
#include <utility>

#include <effects/perform.hpp>

#include "text.hpp"

namespace effects::os {

std::optional<std::string> variable(std::string name, std::source_location where) {
    return perform(operations::variable{std::move(name)}, where);
}
std::vector<std::string> detail::arguments_function::operator()(std::source_location where) const {
    return perform(operations::arguments{}, where);
}

namespace operations {
std::ostream& operator<<(std::ostream& out, variable const& op) { return out << "os::variable " << printable(op.name); }
std::ostream& operator<<(std::ostream& out, arguments const&) { return out << "os::arguments"; }
} // namespace operations

in_memory_env::in_memory_env(std::map<std::string, std::string, std::less<>> variables, std::vector<std::string> words)
    : variables_(std::move(variables)), arguments_(std::move(words)) {}

void in_memory_env::set(std::string name, std::string value) {
    std::lock_guard lock(mutex_);
    variables_.insert_or_assign(std::move(name), std::move(value));
}

void in_memory_env::unset(std::string_view name) {
    std::lock_guard lock(mutex_);
    if (auto found = variables_.find(name); found != variables_.end()) variables_.erase(found);
}

std::optional<std::string> in_memory_env::operator()(os::operations::variable const& op) const {
    std::lock_guard lock(mutex_);
    auto found = variables_.find(op.name);
    if (found == variables_.end()) return std::nullopt;
    return found->second;
}

std::vector<std::string> in_memory_env::operator()(os::operations::arguments const&) const { return arguments_; }

} // namespace effects::os
