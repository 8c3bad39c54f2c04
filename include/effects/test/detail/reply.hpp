// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <concepts>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/detail/layer.hpp>
#include <effects/error.hpp>
#include <effects/test/detail/gate.hpp>
#include <effects/test/detail/mock_state.hpp>
#include <effects/test/pattern.hpp>

namespace effects::sql {
struct begin;
}

namespace effects::test::detail {

// Needs no reply to be answered: there is one value only, or, of the start of a transaction, one that everybody means.
template <class Op>
inline constexpr bool has_plain_answer = std::is_void_v<result_of<Op>> || std::is_same_v<Op, sql::begin>;

// "a mocked shop::charge_card that hangs, expected at orders_test.cpp:12"
std::string waiting_text(operation_info const& operation, char const* how, expectation_base const& as);

template <class T>
using object_or_unit = std::conditional_t<std::is_object_v<T>, T, unit>;

template <class Op>
using reply_function = std::function<result_of<Op>(Op const&)>;

// What `hold` shares with the test.
template <class Op>
struct held_state {
    gate let_go;
    gate arrived;
    reply_function<Op> reply; // where given with the release
};

// One answer: waits as it is told to, then gives what the function gives.
template <class Op>
struct reply_step {
    reply_function<Op> give = {}; // empty: nothing was said
    std::chrono::nanoseconds after{0};
    bool hangs = false;
    std::shared_ptr<held_state<Op>> hold = {};

    result_of<Op> answer(Op const& op, expectation_base const& as) const {
        constexpr operation_info const& info = effects::detail::operation_id<Op>::info;
        if (after.count() > 0) wait_for(after);
        if (hangs) wait_for_ever(waiting_text(info, "hangs", as));
        if (hold) {
            hold->arrived.open();
            if (!hold->let_go.is_open()) hold->let_go.wait(waiting_text(info, "is held", as));
            if (hold->reply) return hold->reply(op);
        }
        if constexpr (has_plain_answer<Op>) {
            if (!give) return result_of<Op>();
        }
        return give(op);
    }
    bool has_answer() const noexcept { return has_plain_answer<Op> || give || hangs || hold; }
};

template <class Op>
class expectation_of : public expectation_base {
public:
    using expectation_base::expectation_base;

    // With no replies: the plain one, or none.
    reply_step<Op> const* next() const noexcept { // of a call that was counted already
        if (steps.empty()) return nullptr;
        return &steps[steps.size() == 1 ? 0 : used - 1 - used_before];
    }

    std::deque<reply_step<Op>> steps;  // a deque: one may run while others are added
    std::chrono::nanoseconds delay{0}; // of those to come
};

template <class Op, class Pattern>
class expectation_like final : public expectation_of<Op> {
public:
    expectation_like(mock_state& of, std::source_location at, bool is_stub, Pattern pattern)
        : expectation_of<Op>(of, at, is_stub), pattern_(std::move(pattern)) {}

    bool matches(void const* op) const override {
        auto& actual = *static_cast<Op const*>(op);
        if constexpr (!std::is_same_v<Pattern, Op>)
            return pattern_.matches(actual);
        else if constexpr (pattern_traits<Op>::has_matches)
            return pattern_traits<Op>::matches(pattern_, actual);
        else
            return false; // mock::add has refused it
    }
    std::vector<std::string> differences(void const* op) const override {
        auto& actual = *static_cast<Op const*>(op);
        if constexpr (std::is_same_v<Pattern, Op>) {
            auto found = pattern_traits<Op>::differences(pattern_, actual);
            if (found.empty() && !matches(op)) found.push_back("differs in nothing that is printed");
            return found;
        } else {
            return pattern_.differences(actual);
        }
    }
    std::string description() const override {
        if constexpr (std::is_same_v<Pattern, Op>)
            return describe(pattern_);
        else
            return pattern_.description();
    }

private:
    Pattern pattern_;
};

// ---- how a reply becomes a function ----

// Copied at each call; a value that can't be copied is given once.
template <class Op, class Value>
reply_function<Op> value_reply(Value&& value, bool& once) {
    using result = result_of<Op>;
    if constexpr (std::is_lvalue_reference_v<result>) {
        static_assert(std::is_lvalue_reference_v<Value>,
                      "the operation's result is a reference: reply with an lvalue, which "
                      "must outlive the call");
        return [p = std::addressof(value)](Op const&) -> result { return *p; };
    } else if constexpr (std::is_copy_constructible_v<result>) {
        return [kept = result(std::forward<Value>(value))](Op const&) -> result { return kept; };
    } else {
        once = true;
        auto kept = std::make_shared<result>(std::forward<Value>(value));
        return [kept](Op const&) -> result { return std::move(*kept); };
    }
}

template <class Op, class F>
concept replies_by_function =
    !std::is_same_v<std::remove_cvref_t<F>, std::remove_cvref_t<result_of<Op>>> &&
    (std::is_invocable_r_v<result_of<Op>, F&, Op const&> || std::is_invocable_r_v<result_of<Op>, F&>);

template <class Op, class V>
concept replies_by_value = !std::is_void_v<result_of<Op>> && std::is_convertible_v<V, result_of<Op>>;

// A value that converts to the operation's result, or a function of the operation, or of nothing, whose answer does.
template <class R, class Op>
concept reply_for = replies_by_value<Op, R> || replies_by_function<Op, R>;

template <class Op, class F>
reply_function<Op> function_reply(F&& f) {
    if constexpr (std::is_invocable_v<std::decay_t<F>&, Op const&>)
        static_assert(
            effects::detail::refers_to_what_lasts<result_of<Op>, std::invoke_result_t<std::decay_t<F>&, Op const&>>,
            "the operation's result is a reference: reply with a function that returns an lvalue which outlives the "
            "call");
    else
        static_assert(effects::detail::refers_to_what_lasts<result_of<Op>, std::invoke_result_t<std::decay_t<F>&>>,
                      "the operation's result is a reference: reply with a function that returns an lvalue which "
                      "outlives the call");
    // Shared, so that it may be a function object which can't be copied.
    auto kept = std::make_shared<std::decay_t<F>>(std::forward<F>(f));
    return [kept](Op const& op) -> result_of<Op> {
        if constexpr (std::is_invocable_r_v<result_of<Op>, std::decay_t<F>&, Op const&>)
            return static_cast<result_of<Op>>((*kept)(op));
        else
            return static_cast<result_of<Op>>((*kept)());
    };
}

template <class Op, class E>
reply_function<Op> failing_reply(E&& e) {
    // Each call gets an exception of its own: what callers add to it is not for the next one.
    if constexpr (std::is_same_v<std::remove_cvref_t<E>, std::exception_ptr>) {
        effects::detail::mark_shared(e, effects::detail::sharing::by_threads);
        return [thrown = std::exception_ptr(std::forward<E>(e))](Op const&) -> result_of<Op> {
            std::rethrow_exception(thrown);
        };
    } else {
        return [thrown = std::decay_t<E>(std::forward<E>(e))](Op const&) -> result_of<Op> { throw thrown; };
    }
}

// ---- the clause ----

template <class Op>
result_of<Op> answer_mocked(effects::detail::frame* home, Op const* op, bool) {
    std::source_location const where = effects::detail::this_thread()->performed_at;
    effects::detail::outer_in_force guard(home->outer);
    auto& state = *static_cast<mock_state*>(home->self);
    reply_step<Op> const* step;
    expectation_base const* as;
    std::chrono::nanoseconds delay;
    {
        std::lock_guard lock(state.mutex());
        auto& taken = static_cast<expectation_of<Op>&>(
            state.take(*state.find(effects::detail::operation_id<Op>::info), op, where));
        step = taken.next();
        delay = taken.delay;
        as = &taken;
        if (step ? !step->has_answer() : !has_plain_answer<Op>) state.fail_without_reply(taken, where);
    }
    if constexpr (has_plain_answer<Op>) {
        if (!step) {
            if (delay.count() > 0) wait_for(delay);
            return result_of<Op>();
        }
    }
    return step->answer(*op, *as);
}

// Of operations that every mock answers: as expected, else by a handler further out, else with the default.
template <class Op>
result_of<Op> answer_mocked_or_default(effects::detail::frame* home, Op const* op, bool movable) {
    auto& state = *static_cast<mock_state*>(home->self);
    constexpr operation_info const& info = effects::detail::operation_id<Op>::info;
    if (!state.expects(info)) {
        bool handled;
        auto further = effects::detail::find_answer<Op>(*home->outer, handled);
        if (handled)
            return reinterpret_cast<effects::detail::answer_function<Op>>(further.answer)(further.home, op, movable);
        state.note(info, op);
        return result_of<Op>();
    }
    return answer_mocked(home, op, movable);
}

} // namespace effects::test::detail
