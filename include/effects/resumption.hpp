// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include <effects/detail/prompt.hpp>
#include <effects/operation.hpp>

namespace effects {

namespace detail {
// Stands for a value where a static_assert has said what is wrong, so that the compiler has no more to say.
struct misused {
    template <class T>
    operator T() const;
};
} // namespace detail

template <class Answer>
class tail;

/// The rest of a body, from the operation that a `control` clause answers up to the end of `handle`: resume it once, keep it
/// for later, move it to another thread, or drop it.
///
///     effects::control<choose>([](choose, auto k) { return std::move(k).resume(true); })
///
/// Resuming gives what the whole handled body answers (the handler stays in force for it: deep). Destroying an unused one unwinds
/// the frames that it holds, destructors and all; operations answered in place work meanwhile. Move-only; one
/// thread at a time. Using it twice throws `resumption_already_used`.
///
/// The body wakes on the thread that resumes it. Within one function a compiler may keep what
/// `std::this_thread::get_id()` or the address of a `thread_local` was before: ask in another function, not inlined.
///
/// `Answer` may be incomplete here, so `struct step { resumption<yield, step> rest; };` works.
template <class Op, class Answer>
class [[nodiscard]] resumption {
public:
    resumption() noexcept = default;
    explicit resumption(detail::request* asked) noexcept : asked_(asked) {}
    resumption(resumption&& other) noexcept : asked_(std::exchange(other.asked_, nullptr)) {}
    resumption& operator=(resumption&& other) noexcept {
        resumption old(std::move(*this));
        asked_ = std::exchange(other.asked_, nullptr);
        return *this;
    }
    ~resumption() {
        if (asked_) detail::drop(*asked_);
    }

    /// `perform` returns the value; the body goes on until it ends or asks again. Gives the handled body's answer.
    template <class... Value>
    Answer resume(Value&&... value) &&;
    template <class... Value>
    Answer resume(Value&&...) const& {
        return needs_an_rvalue<Value...>();
    }

    /// `perform` throws `e` in the body; `e` may be a `std::exception_ptr`, but not a null one (`std::invalid_argument`).
    template <class E>
    Answer resume_with_exception(E&& e) &&;
    template <class E>
    Answer resume_with_exception(E&&) const& {
        return needs_an_rvalue<E>();
    }

    /// The same as `return std::move(k).resume(value)` in a clause, in constant stack: the clause returns first.
    template <class... Value>
    tail<Answer> resume_tail(Value&&... value) &&;
    template <class... Value>
    tail<Answer> resume_tail(Value&&...) const& {
        return needs_an_rvalue<Value...>();
    }

    /// Discards the frames without unwinding them: no destructor runs. For bodies that own nothing.
    void forget() && { detail::forget(detail::claim(asked_)); }

    explicit operator bool() const noexcept { return asked_ != nullptr; }

    /// For other kinds of resumption that are built on this one.
    detail::request* release() noexcept { return std::exchange(asked_, nullptr); }

private:
    template <class... Value>
    detail::request& answer_with(Value&&... value);
    template <class... Given>
    static detail::misused needs_an_rvalue() {
        static_assert(sizeof...(Given) > 1000,
                      "resuming uses the resumption up, so it must be moved (and not be const): "
                      "say std::move(k).resume(…)");
        return {};
    }

    detail::request* asked_ = nullptr;
};

/// What `resume_tail` gives, to be returned from the clause; an answer converts to it too, for clauses that do either:
/// `[](ask, auto k) -> effects::tail<int> { … }`.
template <class Answer>
class [[nodiscard]] tail {
public:
    template <class A>
        requires(std::is_constructible_v<Answer, A> && !std::is_same_v<std::remove_cvref_t<A>, tail>)
    tail(A&& answer) {
        static_assert(detail::refers_to_what_lasts<Answer, A&&>,
                      "the answer of the whole handle is a reference: a control clause returns an lvalue that outlives "
                      "it, not a temporary");
        answer_.take_from([&]() -> Answer { return Answer(std::forward<A>(answer)); });
    }
    tail() requires std::is_void_v<Answer>
    = default;
    explicit tail(detail::request* next) noexcept : next_(next) {}
    tail(tail&& other) noexcept(std::is_void_v<Answer> || std::is_nothrow_move_constructible_v<Answer>)
        : next_(std::exchange(other.next_, nullptr)), answer_(std::move(other.answer_)) {}
    tail& operator=(tail&&) = delete;
    ~tail() {
        if (next_) detail::drop(*next_);
    }

    detail::request* take_next() noexcept { return std::exchange(next_, nullptr); }
    Answer take_answer() { return answer_.take(); }

private:
    detail::request* next_ = nullptr;
    detail::kept<Answer> answer_;
};

namespace detail {

template <class Answer>
using clause_function = tail<Answer> (*)(request*);

template <class Answer>
using finish_function = Answer (*)(prompt*);

// `p` has suspended or ended: runs clauses until there is an answer. Clauses that resume nest, so what is not needed while one
// runs (the context) shares its place with what is.
template <class Answer>
[[gnu::always_inline]] inline Answer settle(prompt* p) {
    for (;;) {
        request* asked = std::exchange(p->asked, nullptr);
        if (!asked) return reinterpret_cast<finish_function<Answer>>(p->finish)(p);
        request* next;
        {
            clause_link link;
            running_clause running(*p, *this_thread(), link);
            tail<Answer> answer = reinterpret_cast<clause_function<Answer>>(asked->clause)(asked);
            next = answer.take_next();
            if (!next) return answer.take_answer();
            if (next->target == p) running.returns_resumption();
        }
        p = next->target;
        context here;
        continue_with(*next, *this_thread(), here);
    }
}

template <class Answer>
[[gnu::always_inline]] inline Answer resume_and_settle(request& r) {
    prompt* p = r.target;
    {
        context here;
        continue_with(r, *this_thread(), here);
    }
    return settle<Answer>(p);
}

} // namespace detail

template <class Op, class Answer>
template <class... Value>
detail::request& resumption<Op, Answer>::answer_with(Value&&... value) {
    using result = result_of<Op>;
    static_assert(std::is_void_v<result> ? sizeof...(Value) == 0 : sizeof...(Value) == 1,
                  "resume takes one value, of the operation's result_type (none where that is void)");
    static_assert((... && std::is_constructible_v<result, Value>),
                  "the value that resume is given must make the operation's result_type");
    static_assert(
        (... && detail::refers_to_what_lasts<result, Value&&>),
        "the operation's result_type is a reference: resume with an lvalue that outlives the body, not a temporary");
    if (!asked_) [[unlikely]]
        detail::throw_already_used();
    if constexpr (!std::is_void_v<result>) { // the value first: making it may throw, and then it can be answered again
        auto& typed = *static_cast<detail::request_for<Op>*>(asked_);
        typed.answer.take_from([&]() -> result { return result(std::forward<Value>(value)...); });
    }
    return detail::claim(asked_);
}

// Inline, as the switch is: a call that is left on another stack makes the returns after it go wrong.
template <class Op, class Answer>
template <class... Value>
[[gnu::always_inline]] inline Answer resumption<Op, Answer>::resume(Value&&... value) && {
    return detail::resume_and_settle<Answer>(answer_with(std::forward<Value>(value)...));
}

template <class Op, class Answer>
template <class E>
Answer resumption<Op, Answer>::resume_with_exception(E&& e) && {
    std::exception_ptr error;
    if constexpr (std::is_same_v<std::remove_cvref_t<E>, std::exception_ptr>)
        error = std::forward<E>(e);
    else
        error = std::make_exception_ptr(std::forward<E>(e));
    if (!error) [[unlikely]]
        detail::throw_no_exception();
    detail::request& r = detail::claim(asked_);
    std::construct_at(std::addressof(r.error), std::move(error));
    r.how = detail::outcome::exception;
    return detail::resume_and_settle<Answer>(r);
}

template <class Op, class Answer>
template <class... Value>
tail<Answer> resumption<Op, Answer>::resume_tail(Value&&... value) && {
    return tail<Answer>(&answer_with(std::forward<Value>(value)...));
}

} // namespace effects
