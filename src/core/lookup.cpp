// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/lookup.hpp>

#include <array>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <effects/unhandled_operation.hpp>

#include "describe.hpp"

namespace effects {

namespace {

std::string unhandled_text(std::string const& operation, std::source_location where, std::string const& in_scope) {
    return "unhandled operation " + operation + ", performed at " + detail::place(where) + " in `" +
           where.function_name() + "`\n" + in_scope;
}

} // namespace

unhandled_operation::unhandled_operation(std::string operation, std::source_location where, std::string const& in_scope,
                                         std::string value)
    : std::logic_error(unhandled_text(operation, where, in_scope)), operation_(std::move(operation)), where_(where),
      value_(std::move(value)) {}

resumption_already_used::resumption_already_used()
    : std::logic_error("a resumption was used that holds nothing: it was resumed, dropped or moved from before") {}

capture_across_task::capture_across_task(std::string_view operation)
    : std::logic_error("the `control` clause for " + std::string(operation) +
                       " lies outside the task group that performs it: a group's tasks and its body can't be "
                       "captured; handle the operation inside the group, or answer it with `on`") {}

namespace detail {

namespace {

void remember(frame& top, lookup_slot const& slot) noexcept {
    if (&top != &root_frame) top.cache[slot.operation->hash % lookup_slots] = slot;
}

} // namespace

void remember_default(frame& top, lookup_slot const& slot) noexcept {
    for (frame* f = &top; f; f = f->outer)
        if (f->table->grows || f->table->wants_place) return;
    remember(top, slot);
}

found_answer search(frame& top, operation_info const& operation, std::size_t masked) noexcept {
    bool lasting = masked == 0;
    for (frame* f = &top; f; f = f->outer) {
        // What a frame further out remembers holds from there outwards, its own masks taken into account.
        lookup_slot found = f->cache[operation.hash % lookup_slots];
        if (found.operation != &operation) {
            found = {nullptr, nullptr, nullptr};
            for (std::size_t i = 0; i < f->table->size; ++i)
                if (clause_entry const& entry = f->table->entries[i]; entry.operation == &operation) {
                    if (entry.kind == clause_kind::mask) {
                        ++masked;
                        continue;
                    }
                    found = {&operation, entry.answer, f};
                    break;
                }
            if (!found.operation && f->table->records) found = {&operation, nullptr, f};
            if (!found.operation) {
                if (f->table->grows) lasting = false; // what lies further out may not be the answer the next time
                continue;
            }
        }
        // The edge of a multishot body is no handler, so a mask does not skip it, but reaches beyond it.
        if (found.home->table->records && (masked != 0 || !found.answer))
            return {{&operation, nullptr, found.home}, masked};
        if (masked == 0) {
            if (lasting && !found.home->table->wants_place) remember(top, found);
            return {found, 0};
        }
        --masked;
        f = found.home;
    }
    return {{nullptr, nullptr, nullptr}, 0};
}

namespace {

thread_local constinit char const* why_no_handlers = nullptr;

// Who usually answers the library's own operations.
std::string_view usual_handler(std::string_view operation) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> known{{
        {"effects::async::", "a world around it: live::run, sim::run, test::run"},
        {"effects::net::", "a world around it: live::run, sim::run, test::run"},
        {"effects::os::", "a world around it: live::run, sim::run, test::run"},
        {"effects::http::", "a handler such as http::client, or a test::mock"},
        {"effects::sql::", "a handler such as sqlite::database, or a test::mock"},
    }};
    for (auto const& [prefix, who] : known)
        if (operation.starts_with(prefix)) return who;
    return {};
}

// Printing is the user's code: what it throws must not take the place of the diagnosis.
std::string printed(performed const& what) {
    if (!what.print) return {};
    try {
        std::ostringstream out;
        what.print(out, what.operation);
        return std::move(out).str();
    } catch (unwinding const&) {
        throw;
    } catch (...) {
        return {};
    }
}

} // namespace

explains_no_handlers::explains_no_handlers(char const* why) noexcept : none_(this_thread()->top == &root_frame) {
    if (none_) before_ = std::exchange(why_no_handlers, why);
}
explains_no_handlers::~explains_no_handlers() {
    if (none_) why_no_handlers = before_;
}

void throw_unhandled(frame& top, operation_info const& operation, performed const& what) {
    std::string in_scope;
    for (frame* f = &top; f != &root_frame; f = f->outer)
        if (std::string line = describe(*f); !line.empty()) in_scope.append("\n    ").append(line);
    bool const explained = in_scope.empty() && why_no_handlers;
    in_scope = in_scope.empty() ? "  no handler is in force" : "  handlers in force, innermost first:" + in_scope;
    if (explained)
        in_scope.append(": ").append(why_no_handlers);
    else if (std::string_view who = usual_handler(operation.name); !who.empty())
        in_scope.insert(0, "  it needs " + std::string(who) + "\n");
    unhandled_operation error(std::string(operation.name), what.where, in_scope, printed(what));
    for (frame* f = &top; f; f = f->outer)
        if (f->table->told_of_unhandled) {
            f->table->told_of_unhandled(*f, error);
            break;
        }
    throw error;
}

} // namespace detail
} // namespace effects
