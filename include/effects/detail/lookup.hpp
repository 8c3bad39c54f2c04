// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <source_location>

#include <effects/detail/replay.hpp>
#include <effects/detail/thread.hpp>
#include <effects/operation.hpp>

namespace effects::detail {

// How a clause is called, whoever it belongs to. `movable`: the performer gave an rvalue, which may be moved from.
template <class Op>
using answer_function = result_of<Op> (*)(frame* home, Op const* op, bool movable);

// Searches outwards from `top` and remembers the result in it. `operation` is null where there is no handler. Where a
// multishot body is left on the way, `home` is the frame that records what it performs, and `answer` is null.
lookup_slot search(frame& top, operation_info const& operation) noexcept;
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

// The same, with the answer of a recording frame. `handled`: somebody answers the operation, maybe further out.
template <class Op>
lookup_slot find_answer(frame& top, bool& handled) {
    constexpr operation_info const& info = operation_id<Op>::info;
    lookup_slot found = search(top, info);
    handled = found.operation;
    if (!handled || found.answer) return found;
    frame& recording = *found.home;
    found.answer = reinterpret_cast<any_function>(&answer_recorded<Op, answers_replay<Op>()>);
    find_answer<Op>(*recording.outer, handled);
    handled = handled || has_default_answer<Op>;
    if (handled) remember_default(top, found);
    return found;
}

template <class Op>
[[gnu::noinline, gnu::cold]] lookup_slot look_up(frame& top, std::source_location where, Op const* op) {
    constexpr operation_info const& info = operation_id<Op>::info;
    bool handled;
    lookup_slot found = find_answer<Op>(top, handled);
    if (handled) return found;
    if (found.operation) { // maybe it was handled when it was recorded; else the exception is recorded
        static_cast<replay_run*>(found.home->self)->where = where;
        return found;
    }
    if constexpr (has_default_answer<Op>) {
        found = {&info, reinterpret_cast<any_function>(&answer_by_default<Op>), &root_frame};
        remember_default(top, found);
        return found;
    } else {
        throw_unhandled(*this_thread()->top, info, performed_at(where, op));
    }
}

} // namespace effects::detail
