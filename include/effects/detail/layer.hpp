// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <source_location>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

#include <effects/clause.hpp>
#include <effects/detail/kept.hpp>
#include <effects/detail/lookup.hpp>
#include <effects/detail/prompt.hpp>
#include <effects/finally.hpp>
#include <effects/resumption.hpp>

namespace effects::detail {

// ---- what a handler argument is ----

template <class T>
struct only_operation; // of a callable that names its operation: the parameter's type
template <class R, class C, class Op>
struct only_operation<R (C::*)(Op)> {
    using type = std::remove_cvref_t<Op>;
};
template <class R, class C, class Op>
struct only_operation<R (C::*)(Op) const> : only_operation<R (C::*)(Op)> {};
template <class R, class C, class Op>
struct only_operation<R (C::*)(Op) noexcept> : only_operation<R (C::*)(Op)> {};
template <class R, class C, class Op>
struct only_operation<R (C::*)(Op) const noexcept> : only_operation<R (C::*)(Op)> {};

template <class F>
concept names_its_operation = requires {
    typename only_operation<decltype(&F::operator())>::type;
}
&&operation<typename only_operation<decltype(&F::operator())>::type>;

template <class H>
concept handler_object = requires {
    typename H::operations;
};

template <class T>
inline constexpr bool is_clause = false;
template <class Op, class F>
inline constexpr bool is_clause<on_clause<Op, F>> = true;
template <class Op, class F>
inline constexpr bool is_clause<control_clause<Op, F>> = true;
template <class Op, class F>
inline constexpr bool is_clause<aborts_clause<Op, F>> = true;
template <class T>
inline constexpr bool is_returns = false;
template <class F>
inline constexpr bool is_returns<returns_clause<F>> = true;
template <class T>
inline constexpr bool is_finally = false;
template <class F>
inline constexpr bool is_finally<finally_clause<F>> = true;
template <class T>
inline constexpr bool is_control = false;
template <class Op, class F>
inline constexpr bool is_control<control_clause<Op, F>> = true;
template <class T>
inline constexpr bool is_aborts = false;
template <class Op, class F>
inline constexpr bool is_aborts<aborts_clause<Op, F>> = true;

// ---- calling a clause with its operation ----

// `movable` is a bool, or std::true_type for an operation that is the clause's own: then there is one call, which compilers
// make part of the caller.
template <class F, class Op, class Movable, class... Rest>
decltype(auto) call_clause(F& f, Op const* op, Movable movable, Rest&&... rest) {
    if constexpr (std::is_same_v<Movable, std::true_type> && std::is_invocable_v<F&, Op&&, Rest...>) {
        return f(std::move(const_cast<Op&>(*op)), std::forward<Rest>(rest)...);
    } else if constexpr (std::is_invocable_v<F&, Op&&, Rest...> || std::is_invocable_v<F&, Op const&, Rest...>) {
        if constexpr (!std::is_invocable_v<F&, Op const&, Rest...>) { // wants to own it, and it can't be copied for it
            using answer = std::invoke_result_t<F&, Op&&, Rest...>;
            if (movable) return static_cast<answer>(f(std::move(const_cast<Op&>(*op)), std::forward<Rest>(rest)...));
            if constexpr (std::is_copy_constructible_v<Op>) {
                Op copy(*op);
                return static_cast<answer>(f(std::move(copy), std::forward<Rest>(rest)...));
            } else {
                throw std::logic_error("the clause takes a move-only operation by value, but it was performed as an "
                                       "lvalue: perform(std::move(op)), or take it by const reference");
            }
        } else if constexpr (!std::is_invocable_v<F&, Op&&, Rest...>) {
            return f(*op, std::forward<Rest>(rest)...);
        } else {
            using answer = std::invoke_result_t<F&, Op const&, Rest...>;
            if (movable) return static_cast<answer>(f(std::move(const_cast<Op&>(*op)), std::forward<Rest>(rest)...));
            return static_cast<answer>(f(*op, std::forward<Rest>(rest)...));
        }
    } else {
        static_assert(std::is_invocable_v<F&, Rest...>,
                      "a clause is called with its operation: [](Op const& op) {…}; a control clause also with the "
                      "resumption: [](Op op, auto k) {…}");
        if constexpr (std::is_invocable_v<F&, Rest...>)
            return f(std::forward<Rest>(rest)...);
        else
            return misused{};
    }
}

// An `on` clause that asks for the place where the operation was performed.
template <class F, class Op>
constexpr bool asks_for_place() {
    if constexpr (std::is_invocable_v<F&, Op&&> || std::is_invocable_v<F&, Op const&> || std::is_invocable_v<F&>)
        return false;
    else
        return std::is_invocable_v<F&, Op&&, std::source_location> ||
               std::is_invocable_v<F&, Op const&, std::source_location>;
}

template <class Op, class F, class... Place>
result_of<Op> call_for_result(F& f, Op const* op, bool movable, Place... where) {
    using result = result_of<Op>;
    if constexpr (std::is_void_v<result>)
        static_cast<void>(call_clause(f, op, movable, where...));
    else {
        using given = decltype(call_clause(f, op, movable, where...));
        static_assert(std::is_same_v<given, result> || std::is_convertible_v<given, result>,
                      "what a clause returns must convert to its operation's result_type");
        static_assert(refers_to_what_lasts<result, given>, "the operation's result_type is a reference: a clause "
                                                           "returns an lvalue that outlives the call, not a temporary");
        return call_clause(f, op, movable, where...);
    }
}

// While a clause runs, the handlers outside its own are in force.
class outer_in_force {
public:
    explicit outer_in_force(frame* outer) noexcept {
        thread_state* thread = this_thread();
        before_ = thread->top;
        thread->top = outer;
    }
    outer_in_force(outer_in_force const&) = delete;
    outer_in_force& operator=(outer_in_force const&) = delete;
    ~outer_in_force() { this_thread()->top = before_; } // the clause may have woken on another thread

private:
    frame* before_;
};

// ---- the installed handlers ----

// What a body is called in a diagnosis: a lambda's type names the function that it stands in, or its file and line. So
// handlers show where they were installed, and nothing is spent on it but an address.
template <class Body>
struct body_as_written {
    using type = Body;
};
template <class Body>
inline constexpr std::string_view body_name = type_name<Body>();
template <class Body>
constexpr std::string_view const* name_of_body() noexcept {
    using plain = std::remove_cvref_t<typename body_as_written<std::remove_cvref_t<Body>>::type>;
    if constexpr (std::is_class_v<plain>)
        return &body_name<plain>;
    else
        return nullptr; // a function's type is that of many
}

// What the layers of one `handle` share: `aborts` leaves its answer here.
template <class Answer>
struct abort_state {
    kept<Answer> answer;
    std::exception_ptr error; // the clause threw in its stead
    bool aborted = false;

    void put(kept<Answer>&& given, std::exception_ptr&& thrown) {
        aborted = true;
        error = std::move(thrown);
        if (!error) answer.take_from([&]() -> Answer { return given.take(); });
    }
    Answer take() {
        if (error) std::rethrow_exception(std::exchange(error, nullptr));
        return answer.take();
    }
};

// Of a `handle` with this answer: shallow handlers have their own.
template <class Answer>
struct answer_traits {
    using answer = Answer;
    template <class Op>
    using resumption = effects::resumption<Op, Answer>;
};
template <class Answer>
using answer_of = typename answer_traits<Answer>::answer;

template <class Layer, class Op>
result_of<Op> answer_in_place(frame* home, Op const* op, bool movable) {
    auto& clause = static_cast<Layer*>(home->self)->callee();
    if constexpr (Layer::wants_place) {
        std::source_location const where = this_thread()->performed_at;
        outer_in_force guard(home->outer);
        return call_for_result<Op>(clause, op, movable, where);
    } else {
        outer_in_force guard(home->outer);
        return call_for_result<Op>(clause, op, movable);
    }
}

template <class Layer, class Op>
result_of<Op> answer_by_capture(frame* home, Op const* op, bool movable) {
    request_for<Op> r;
    r.handler = home->self;
    r.operation = &operation_id<Op>::info;
    r.argument = op;
    r.movable = movable;
    r.clause = reinterpret_cast<any_function>(&Layer::run_clause);
    capture(r, *static_cast<prompt*>(home->home));
    return r.answer.take();
}

template <class Layer, class Op>
result_of<Op> answer_by_abort(frame* home, Op const* op, bool movable) {
    auto& self = *static_cast<Layer*>(home->self);
    if (!self.state->aborted) {
        static_assert(Layer::template answers<decltype(call_clause(self.callee(), op, movable))>,
                      "an aborts clause returns the answer of the whole handle");
        static_assert(
            refers_to_what_lasts<typename Layer::answer_type, decltype(call_clause(self.callee(), op, movable))>,
            "the answer of the whole handle is a reference: an aborts clause returns an lvalue that outlives it, not a "
            "temporary");
        outer_in_force guard(home->outer);
        kept<typename Layer::answer_type>
            mine; // while the clause waits, another task's may answer: the first one counts
        std::exception_ptr error;
        try {
            mine.take_from([&]() -> decltype(auto) { return call_clause(self.callee(), op, movable); });
        } catch (unwinding const&) {
            throw;      // the clause itself is given up
        } catch (...) { // leaves `handle`, not `perform`: the body must not catch what answers in its place
            error = std::current_exception();
        }
        if (!self.state->aborted) self.state->put(std::move(mine), std::move(error));
        if (home->home) static_cast<prompt*>(home->home)->given_up = self.state;
    }
    throw unwinding{self.state};
}

struct layer_frame : frame {
    explicit layer_frame(frame_table const* t, std::source_location made = {}) noexcept {
        for (lookup_slot& slot : cache) slot.operation = nullptr;
        table = t;
        installed = made;
        body = nullptr;
    }
    layer_frame(layer_frame const&) = delete;
    layer_frame& operator=(layer_frame const&) = delete;
};

template <class Answer, class Op, class F, class Held>
struct on_layer : layer_frame {
    explicit on_layer(Held&& clause) : layer_frame(&table_of, clause.made), held(std::forward<Held>(clause)) {
        self = this;
    }
    auto& callee() noexcept { return held.answer; }
    template <class>
    static constexpr answer_function<Op> answer_to() noexcept {
        return &answer_in_place<on_layer, Op>;
    }
    static constexpr std::string_view handler_name() noexcept { return {}; }
    static constexpr bool wants_place = asks_for_place<decltype((std::declval<Held&>().answer)), Op>();
    static constexpr bool known_at_once = !wants_place; // `entry` says all there is to know for a lookup
    void share(void*) noexcept {}

    inline static const clause_entry entry{
        &operation_id<Op>::info, reinterpret_cast<any_function>(&answer_in_place<on_layer, Op>), clause_kind::on};
    inline static const frame_table table_of{.entries = &entry, .size = 1, .handler = {}, .wants_place = wants_place};
    Held held;
};

template <class Answer, class Op, class F, class Held>
struct control_layer : layer_frame {
    using answer = answer_of<Answer>;
    using k_type = typename answer_traits<Answer>::template resumption<Op>;

    explicit control_layer(Held&& clause) : layer_frame(&table_of, clause.made), held(std::forward<Held>(clause)) {
        self = this;
    }
    auto& callee() noexcept { return held.answer; }
    template <class>
    static constexpr answer_function<Op> answer_to() noexcept {
        return &answer_by_capture<control_layer, Op>;
    }
    static constexpr std::string_view handler_name() noexcept { return {}; }
    static constexpr bool wants_place = false;
    static constexpr bool known_at_once = true;
    void share(void*) noexcept {}

    static tail<answer> run_clause(request* r) {
        auto& f = static_cast<control_layer*>(r->handler)->callee();
        auto* op = static_cast<Op const*>(r->argument);
        k_type k(r);
        auto call = [&](Op const* what, auto movable) {
            return finish([&]() -> decltype(auto) { return call_clause(f, what, movable, std::move(k)); });
        };
        if constexpr (std::is_copy_constructible_v<Op> && std::is_move_constructible_v<Op>) {
            Op own = r->movable ? Op(std::move(const_cast<Op&>(*op))) : Op(*op);
            return call(&own, std::true_type());
        } else if constexpr (std::is_copy_constructible_v<Op>) {
            Op own(*op);
            return call(&own, std::true_type());
        } else if constexpr (std::is_move_constructible_v<Op>) {
            if (!r->movable) return call(op, false);
            Op own(std::move(const_cast<Op&>(*op)));
            return call(&own, std::true_type());
        } else {
            return call(op, false);
        }
    }
    template <class Call>
    static tail<answer> finish(Call&& call) {
        if constexpr (std::is_void_v<decltype(call())>) {
            static_assert(std::is_void_v<answer>,
                          "a control clause returns the answer of the whole handle (or a resume_tail)");
            call();
            return tail<answer>();
        } else {
            static_assert(std::is_convertible_v<decltype(call()), tail<answer>>,
                          "a control clause returns the answer of the whole handle (or a resume_tail)");
            return call();
        }
    }

    inline static const clause_entry entry{&operation_id<Op>::info,
                                           reinterpret_cast<any_function>(&answer_by_capture<control_layer, Op>),
                                           clause_kind::control};
    inline static const frame_table table_of{&entry, 1, {}};
    Held held;
};

template <class Answer, class Op, class F, class Held>
struct aborts_layer : layer_frame {
    explicit aborts_layer(Held&& clause) : layer_frame(&table_of, clause.made), held(std::forward<Held>(clause)) {
        self = this;
    }
    auto& callee() noexcept { return held.answer; }
    template <class>
    static constexpr answer_function<Op> answer_to() noexcept {
        return &answer_by_abort<aborts_layer, Op>;
    }
    static constexpr std::string_view handler_name() noexcept { return {}; }
    static constexpr bool wants_place = false;
    static constexpr bool known_at_once = true;
    void share(abort_state<answer_of<Answer>>* s) noexcept { state = s; }
    using answer_type = answer_of<Answer>;
    template <class R>
    static constexpr bool answers = std::is_void_v<answer_of<Answer>> || std::is_constructible_v<answer_of<Answer>, R>;

    inline static const clause_entry entry{&operation_id<Op>::info,
                                           reinterpret_cast<any_function>(&answer_by_abort<aborts_layer, Op>),
                                           clause_kind::aborts};
    inline static const frame_table table_of{&entry, 1, {}};
    Held held;
    abort_state<answer_of<Answer>>* state = nullptr;
};

// A handler object: one entry for each of its operations.
template <class Held, class Ops = typename std::remove_cvref_t<Held>::operations>
struct object_layer;
template <class Held, class... Ops>
struct object_layer<Held, operations<Ops...>> : layer_frame {
    explicit object_layer(Held&& object) : layer_frame(&table_of), held(std::forward<Held>(object)) { self = this; }
    auto& callee() noexcept { return held; }
    template <class Op>
    static constexpr answer_function<Op> answer_to() noexcept {
        return &answer_in_place<object_layer, Op>;
    }
    static constexpr std::string_view handler_name() noexcept { return type_name<std::remove_cvref_t<Held>>(); }
    static constexpr bool wants_place = false;
    void share(void*) noexcept {}

    static_assert(
        !std::is_const_v<std::remove_reference_t<Held>> ||
            (... && (std::is_invocable_v<Held const&, Ops const&> || std::is_invocable_v<Held const&, Ops&&> ||
                     !std::is_invocable_v<std::remove_cvref_t<Held>&, Ops const&>)),
        "this handler object is const, and its operator() is not: give it as it is, or make operator() const");
    static_assert((... && (std::is_invocable_v<std::remove_cvref_t<Held>&, Ops const&> ||
                           std::is_invocable_v<std::remove_cvref_t<Held>&, Ops&&>)),
                  "a handler object needs an operator() for each operation in its `operations`");
    inline static const clause_entry entries[] = {
        {&operation_id<Ops>::info, reinterpret_cast<any_function>(&answer_in_place<object_layer, Ops>),
         clause_kind::on}...,
        {nullptr, nullptr, clause_kind::on}}; // the last one is not counted: `operations` may be empty
    inline static const frame_table table_of{entries, sizeof...(Ops), handler_name()};
    Held held;
};

// `Piece` is a clause or a handler object, by value where it was an rvalue, an lvalue reference where it is borrowed.
template <class Answer, class Piece, class Plain = std::remove_cvref_t<Piece>>
struct layer_of {
    static_assert(
        handler_object<Plain>,
        "not a handler: give effects::on/control/aborts/returns, a lambda whose one parameter is the operation, or an "
        "object with `using operations = effects::operations<…>`");
    using type = object_layer<Piece>;
};
template <class Answer, class Piece, class Op, class F>
struct layer_of<Answer, Piece, on_clause<Op, F>> {
    using type = on_layer<Answer, Op, F, Piece>;
};
template <class Answer, class Piece, class Op, class F>
struct layer_of<Answer, Piece, control_clause<Op, F>> {
    using type = control_layer<Answer, Op, F, Piece>;
};
template <class Answer, class Piece, class Op, class F>
struct layer_of<Answer, Piece, aborts_clause<Op, F>> {
    using type = aborts_layer<Answer, Op, F, Piece>;
};

} // namespace effects::detail
