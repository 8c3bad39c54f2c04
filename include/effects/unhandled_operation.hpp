// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

#include <effects/operation.hpp>

namespace effects {

/// An operation was performed for which no handler is in force and that has no `default_answer`. `what()` names the
/// operation, the place, and each handler that was in scope:
///
///     unhandled operation shop::charge_card, performed at shop.cpp:12 in `receipt pay(…)`
///       handlers in force, innermost first:
///         on shop::refund_card, made at main.cpp:7
///         http::client: http::request, installed around main()::<lambda()>
class unhandled_operation : public std::logic_error {
public:
    unhandled_operation(std::string operation, std::source_location where, std::string const& in_scope,
                        std::string value = {});

    /// The operation's type.
    std::string const& operation() const noexcept { return operation_; }
    /// Where it was performed.
    std::source_location where() const noexcept { return where_; }
    /// What was performed, as its `operator<<` prints it; empty where it has none. Not in `what()`, as it may be long or secret.
    std::string const& value() const noexcept { return value_; }

private:
    std::string operation_;
    std::source_location where_;
    std::string value_;
};

/// A resumption was resumed, dropped or forgotten before, moved from, or never held anything.
class resumption_already_used : public std::logic_error {
public:
    resumption_already_used();
};

/// A `control` clause that lies outside a task group was asked for by a task of the group, or by its body: capturing
/// them would take tasks out of the group that has to join them. Handle the operation inside the group, or answer
/// it with `on`.
class capture_across_task : public std::logic_error {
public:
    explicit capture_across_task(std::string_view operation);
};

} // namespace effects
