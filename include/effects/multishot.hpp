// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/can.hpp>
#include <effects/detail/arguments.hpp>
#include <effects/detail/multishot.hpp>
#include <effects/handlers.hpp>

/// Handlers whose `control` clauses may resume any number of times: choice, search, probability.
///
///     auto all = effects::multishot::handle(
///         [] { return std::pair(effects::perform(choose{}), effects::perform(choose{})); },
///         effects::control<choose>([](choose, auto k) { return joined(k.resume(true), k.resume(false)); }),
///         effects::returns([](auto pair) { return std::vector{pair}; }));                     // four pairs
///
/// C++ frames are never copied. The first resume continues the body where it waits; each further one runs the body again,
/// from its start, and answers what it performs from a record until it has come to the same place. So a body must
/// do the same again when it is answered the same:
///
/// - What it performs is answered once and then replayed, whoever answered it: a handler outside sees each operation
///   once, and an exception that one threw is thrown again (the same object).
/// - What it does to the outside by other means (a variable captured by reference, `std::cout`, a random number drawn without
///   an operation) happens again. State that a re-run must not see twice has to be an operation. Objects that it owns are
///   made anew: a body given as an rvalue whose call is not `const` is copied for each run, if it can be.
/// - A re-run that performs something else than was recorded, or returns before, throws `divergence`; what it throws itself, it throws.
/// - Answers are kept, so they must be copyable: the compiler checks it for those of `control` clauses. For others it is
///   known of C++'s own types, of plain structs of them, and of operations that say `static constexpr bool
///   replayable = true;`. What can't be kept (a `std::unique_ptr`, what suspends a task) is performed all the same,
///   and a further resume from beyond it throws `unrepeatable`.
///
/// The price of a further resume is the body's work up to there, about as cheap as its record is short, and two switches of
/// stacks: while `handle` is under way, a run starts where the last one has ended.
namespace effects::multishot {

/// A re-run of a body did not perform what it had performed before. Leaves `resume`, also if the body swallows it.
class divergence : public std::logic_error {
public:
    divergence(std::string_view recorded, std::string_view performed);

    /// The operation that was performed the first time.
    std::string const& recorded() const noexcept { return recorded_; }
    /// The one of the re-run; empty if it ended instead.
    std::string const& performed() const noexcept { return performed_; }

private:
    std::string recorded_;
    std::string performed_;
};

/// A body can't be run again: one of the answers that lead to the place was not recorded.
class unrepeatable : public std::logic_error {
public:
    explicit unrepeatable(std::string_view operation);

    /// Whose answer it was.
    std::string const& operation() const noexcept { return operation_; }

private:
    std::string operation_;
};

/// The rest of a body, as a clause of `multishot::handle` gets it. Resume it as often as you like, copy it, keep it for later,
/// also beyond the end of `handle` (what it was given as rvalues lives on; what it borrowed must outlive it). Destroying the last
/// copy of one that was never resumed unwinds the frames that wait. One thread at a time uses those of one `handle`, which is
/// such a use itself until it has returned.
///
/// `Answer` may be incomplete here, so `struct step { multishot::resumption<choose, step> rest; };` works.
template <class Op, class Answer>
class [[nodiscard]] resumption {
public:
    resumption() noexcept = default;
    explicit resumption(detail::replay_part* place) noexcept : place_(place) {}
    resumption(resumption const& other) noexcept : place_(other.place_) {
        if (place_) detail::add_resumption(place_);
    }
    resumption(resumption&& other) noexcept : place_(std::exchange(other.place_, nullptr)) {}
    resumption& operator=(resumption const& other) noexcept { return *this = resumption(other); }
    // Not one that takes it by value: of `k = {}`, clang 16 never destroys what the braces make.
    resumption& operator=(resumption&& other) noexcept {
        resumption old(std::move(*this));
        place_ = std::exchange(other.place_, nullptr);
        return *this;
    }
    ~resumption() {
        if (place_) detail::remove_resumption(place_);
    }

    /// `perform` returns the value; the body goes on until it ends or asks again. Gives the handled body's answer.
    template <class... Value>
    Answer resume(Value&&... value) const;

    /// `perform` throws `e` in the body; `e` may be a `std::exception_ptr`, but not a null one (`std::invalid_argument`).
    template <class E>
    Answer resume_with_exception(E&& e) const;

    /// The same as `return k.resume(value)` in a clause; in constant stack where it is the first resume.
    template <class... Value>
    tail<Answer> resume_tail(Value&&... value) const;

    /// Discards the frames that wait for the first resume without unwinding them: no destructor runs. For bodies that own
    /// nothing.
    void forget() && {
        resumption last(std::move(*this));
        detail::forget_waiting(last.place());
    }

    explicit operator bool() const noexcept { return place_ != nullptr; }

private:
    detail::replay_part& place() const {
        if (!place_) [[unlikely]]
            detail::throw_already_used();
        return *place_;
    }

    detail::replay_part* place_ = nullptr;
};

/// As `effects::handle`, with clauses of `control` that are given a `multishot::resumption`. Deep: `returns` maps each outcome.
///
/// The body takes nothing, or a capability, `can<…>` of operations that these handlers answer, and of all that `fx` lists where it is given first:
/// `multishot::handle(fx, body, …)`, as `fx.handle(body, …)` does it. Each run calls it, as an lvalue.
template <class Answer = detail::deduced, class Body, handler... Hs>
    requires detail::repeatable_body_under<Body, can<>, Hs...>
decltype(auto) handle(Body&& body, Hs&&... hs) {
    return detail::handle_repeatedly_under<Answer, can<>>(detail::no_options{}, std::forward<Body>(body),
                                                          std::forward<Hs>(hs)...);
}
/// With another size of stack, for each run.
template <class Answer = detail::deduced, class Body, handler... Hs>
    requires detail::repeatable_body_under<Body, can<>, Hs...>
decltype(auto) handle(handle_options options, Body&& body, Hs&&... hs) {
    return detail::handle_repeatedly_under<Answer, can<>>(options, std::forward<Body>(body), std::forward<Hs>(hs)...);
}
template <class Answer = detail::deduced, class... Ops, class Body, class... Hs>
    requires(!detail::is_options<Body>)
decltype(auto) handle(can<Ops...>, Body&& body, Hs&&... hs) {
    if constexpr (detail::handled_body<std::add_lvalue_reference_t<Body>, can<Ops...>, Hs...>)
        return detail::handle_repeatedly_under<Answer, can<Ops...>>(detail::no_options{}, std::forward<Body>(body),
                                                                    std::forward<Hs>(hs)...);
    else
        return detail::misused_arguments<3, std::add_lvalue_reference_t<Body>, Hs...>();
}
template <class Answer = detail::deduced, class... Ops, class Body, class... Hs>
decltype(auto) handle(can<Ops...>, handle_options options, Body&& body, Hs&&... hs) {
    if constexpr (detail::handled_body<std::add_lvalue_reference_t<Body>, can<Ops...>, Hs...>)
        return detail::handle_repeatedly_under<Answer, can<Ops...>>(options, std::forward<Body>(body),
                                                                    std::forward<Hs>(hs)...);
    else
        return detail::misused_arguments<4, std::add_lvalue_reference_t<Body>, Hs...>();
}

// What is none of the above: says which argument is wrong.
template <class Answer = detail::deduced, class Body, class... Hs>
    requires(!detail::is_options<Body> && !detail::is_capability<std::remove_cvref_t<Body>> &&
             !detail::handled_body<std::add_lvalue_reference_t<Body>, can<>, Hs...>)
detail::misused handle(Body&&, Hs&&...) {
    return detail::misused_arguments<2, std::add_lvalue_reference_t<Body>, Hs...>();
}
template <class Answer = detail::deduced, class Body, class... Hs>
    requires(!detail::handled_body<std::add_lvalue_reference_t<Body>, can<>, Hs...>)
detail::misused handle(handle_options, Body&&, Hs&&...) {
    return detail::misused_arguments<3, std::add_lvalue_reference_t<Body>, Hs...>();
}

// Inline, as that of a one-shot resumption is, so that one return fewer goes wrong after a switch.
template <class Op, class Answer>
template <class... Value>
[[gnu::always_inline]] inline Answer resumption<Op, Answer>::resume(Value&&... value) const {
    detail::answer_made<Op> made(std::forward<Value>(value)...);
    detail::replay_part& from = place();
    if (detail::request* waiting = detail::take_waiting(from))
        return made.give_to([&](auto&&... v) -> Answer {
            return effects::resumption<Op, Answer>(waiting).resume(std::forward<decltype(v)>(v)...);
        });
    return detail::run_again<Op, Answer>(from, [&](detail::recorded_answer& r) { made.record(r); });
}

template <class Op, class Answer>
template <class E>
Answer resumption<Op, Answer>::resume_with_exception(E&& e) const {
    std::exception_ptr error;
    if constexpr (std::is_same_v<std::remove_cvref_t<E>, std::exception_ptr>)
        error = std::forward<E>(e);
    else
        error = std::make_exception_ptr(std::forward<E>(e));
    if (!error) [[unlikely]]
        detail::throw_no_exception();
    detail::replay_part& from = place();
    if (detail::request* waiting = detail::take_waiting(from))
        return effects::resumption<Op, Answer>(waiting).resume_with_exception(std::move(error));
    return detail::run_again<Op, Answer>(from, [&](detail::recorded_answer& r) { detail::record_exception(r, error); });
}

template <class Op, class Answer>
template <class... Value>
tail<Answer> resumption<Op, Answer>::resume_tail(Value&&... value) const {
    detail::answer_made<Op> made(std::forward<Value>(value)...);
    detail::replay_part& from = place();
    if (detail::request* waiting = detail::take_waiting(from))
        return made.give_to([&](auto&&... v) -> tail<Answer> {
            return effects::resumption<Op, Answer>(waiting).resume_tail(std::forward<decltype(v)>(v)...);
        });
    auto record = [&](detail::recorded_answer& r) { made.record(r); };
    if constexpr (std::is_void_v<Answer>) {
        detail::run_again<Op, Answer>(from, record);
        return tail<Answer>();
    } else {
        return tail<Answer>(detail::run_again<Op, Answer>(from, record));
    }
}

} // namespace effects::multishot
