// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <source_location>

#include <effects/detail/thread.hpp>
#include <effects/operation.hpp>

namespace effects::detail {

// How a clause is called, whoever it belongs to. `movable`: the performer gave an rvalue, which may be moved from.
template <class Op>
using answer_function = result_of<Op> (*)(frame* home, Op const* op, bool movable);

// Searches outwards from `top` and remembers the result in it. `operation` is null where there is no handler.
lookup_slot search(frame& top, operation_info const& operation) noexcept;
void remember(frame& top, lookup_slot const& slot) noexcept;

// What was performed, for a diagnosis.
struct performed {
    std::source_location where;
    void const* operation;
    void (*print)(std::ostream& out, void const* operation); // null where it has no operator<<
};
[[noreturn]] void throw_unhandled(frame& top, operation_info const& operation, performed const& what);

template <class Op>
concept prints_itself = requires(std::ostream& out, Op const& op) {
    operator<<(out, op);
};
template <class Op>
void print_operation(std::ostream& out, void const* op) {
    operator<<(out, *static_cast<Op const*>(op));
}
template <class Op>
constexpr performed performed_at(std::source_location where, Op const* op) noexcept {
    if constexpr (prints_itself<Op>)
        return {where, op, &print_operation<Op>};
    else
        return {where, op, nullptr};
}

// While it lives, an operation that finds no handler at all on this thread is explained by `why`, a literal.
class explains_no_handlers {
public:
    explicit explains_no_handlers(char const* why) noexcept;
    explains_no_handlers(explains_no_handlers const&) = delete;
    explains_no_handlers& operator=(explains_no_handlers const&) = delete;
    ~explains_no_handlers();

private:
    bool none_; // else there are handlers: nothing to explain, and one of them may suspend it and resume it elsewhere
    char const* before_ = nullptr;
};

template <class Op>
result_of<Op> answer_by_default(frame*, Op const* op, bool) {
    return Op::default_answer(*op);
}

template <class Op>
[[gnu::noinline, gnu::cold]] lookup_slot look_up(frame& top, std::source_location where, Op const* op) {
    constexpr operation_info const& info = operation_id<Op>::info;
    lookup_slot found = search(top, info);
    if (!found.operation) {
        if constexpr (has_default_answer<Op>) {
            found = {&info, reinterpret_cast<any_function>(&answer_by_default<Op>), &root_frame};
            remember(top, found);
        } else {
            throw_unhandled(top, info, performed_at(where, op));
        }
    }
    return found;
}

} // namespace effects::detail
