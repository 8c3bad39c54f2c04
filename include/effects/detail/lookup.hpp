// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iosfwd>
#include <source_location>

#include <effects/detail/replay.hpp>
#include <effects/detail/thread.hpp>
#include <effects/operation.hpp>

namespace effects::detail {

// How a clause is called, whoever it belongs to. `movable`: the performer gave an rvalue, which may be moved from.
template <class Op>
using answer_function = result_of<Op> (*)(frame* home, Op const* op, bool movable);

// `operation` is null where there is no handler. Where a multishot body is left on the way, `home` is the frame that records
// what it performs, `answer` is null, and `masked` handlers are still to be skipped beyond it.
struct found_answer : lookup_slot {
    std::size_t masked = 0;
};

// Searches outwards from `top`, skips `masked` handlers, and remembers the result in `top` if it was not told to skip any.
found_answer search(frame& top, operation_info const& operation, std::size_t masked = 0) noexcept;
// What nobody out there answers, or a recording frame does.
void remember_default(frame& top, lookup_slot const& slot) noexcept;

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
        return {where, op, op ? &print_operation<Op> : nullptr};
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
    static_assert(refers_to_what_lasts<result_of<Op>, decltype(Op::default_answer(*op))>,
                  "the operation's result_type is a reference: default_answer returns an lvalue that outlives the "
                  "call, not a temporary");
    return Op::default_answer(*op);
}

// The same, with the answer of a recording frame. `handled`: a handler answers the operation, maybe further out.
template <class Op>
lookup_slot find_answer(frame& top, bool& handled, std::size_t masked = 0) {
    constexpr operation_info const& info = operation_id<Op>::info;
    found_answer found = search(top, info, masked);
    handled = found.operation;
    if (!handled || found.answer) return found;
    find_answer<Op>(*found.home->outer, handled, found.masked);
    if (found.masked != 0) {
        found.answer = reinterpret_cast<any_function>(&answer_recorded_masked<Op, answers_replay<Op>()>);
        this_thread()->masked = found.masked;
    } else {
        found.answer = reinterpret_cast<any_function>(&answer_recorded<Op, answers_replay<Op>()>);
        if (masked == 0 && (handled || has_default_answer<Op>)) remember_default(top, found);
    }
    return found;
}

template <class Op>
[[gnu::noinline, gnu::cold]] lookup_slot look_up_beyond(frame& top, std::size_t masked, std::source_location where,
                                                        Op const* op) {
    constexpr operation_info const& info = operation_id<Op>::info;
    this_thread()->performed_at = where;
    bool handled;
    lookup_slot found = find_answer<Op>(top, handled, masked);
    if (found.operation) return found; // a recording frame asks again: where nobody answers, it records the exception
    if constexpr (has_default_answer<Op>) {
        found = {&info, reinterpret_cast<any_function>(&answer_by_default<Op>), &root_frame};
        if (masked == 0) remember_default(top, found);
        return found;
    } else {
        throw_unhandled(*this_thread()->top, info, performed_at(where, op));
    }
}

template <class Op>
[[gnu::noinline, gnu::cold]] lookup_slot look_up(frame& top, std::source_location where, Op const* op) {
    return look_up_beyond<Op>(top, 0, where, op);
}

} // namespace effects::detail
