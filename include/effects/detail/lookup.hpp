// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>

#include <effects/detail/thread.hpp>
#include <effects/operation.hpp>

namespace effects::detail {

// How a clause is called, whoever it belongs to. `movable`: the performer gave an rvalue, which may be moved from.
template <class Op>
using answer_function = result_of<Op> (*)(frame* home, Op const* op, bool movable);

// Searches outwards from `top` and remembers the result in it. `operation` is null where there is no handler.
lookup_slot search(frame& top, operation_info const& operation) noexcept;
void remember_default(frame& top, lookup_slot const& slot) noexcept; // that nobody out there answers

[[noreturn]] void throw_unhandled(frame& top, operation_info const& operation, std::source_location where);

template <class Op>
result_of<Op> answer_by_default(frame*, Op const* op, bool) {
    static_assert(refers_to_what_lasts<result_of<Op>, decltype(Op::default_answer(*op))>,
                  "the operation's result_type is a reference: default_answer returns an lvalue that outlives the "
                  "call, not a temporary");
    return Op::default_answer(*op);
}

template <class Op>
[[gnu::noinline, gnu::cold]] lookup_slot look_up(frame& top, std::source_location where) {
    constexpr operation_info const& info = operation_id<Op>::info;
    lookup_slot found = search(top, info);
    if (!found.operation) {
        if constexpr (has_default_answer<Op>) {
            found = {&info, reinterpret_cast<any_function>(&answer_by_default<Op>), &root_frame};
            remember_default(top, found);
        } else {
            throw_unhandled(top, info, where);
        }
    }
    return found;
}

} // namespace effects::detail
