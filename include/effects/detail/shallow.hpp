// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/detail/handled.hpp>
#include <effects/detail/offered.hpp>

namespace effects::shallow {

template <class Op, class Result>
class resumption;

} // namespace effects::shallow

namespace effects::detail {

// shallow::rest; not there, or a call of effects::handle with one would find shallow::handle as well.
template <class Result>
class [[nodiscard]] shallow_rest {
public:
    shallow_rest() noexcept = default;
    explicit shallow_rest(request* next) noexcept : next_(next) {}
    shallow_rest(shallow_rest&& other) noexcept : next_(std::exchange(other.next_, nullptr)) {}
    shallow_rest& operator=(shallow_rest&& other) noexcept {
        shallow_rest old(std::move(*this));
        next_ = std::exchange(other.next_, nullptr);
        return *this;
    }
    ~shallow_rest() {
        if (next_) drop(*next_);
    }

    Result operator()() && { return resume_and_settle<Result>(claim(next_)); }
    explicit operator bool() const noexcept { return next_ != nullptr; }

    request& take() { return claim(next_); }

private:
    request* next_ = nullptr;
};

// In place of the answer's type where layers are made: what a control clause answers, and what it resumes to.
template <class Answer, class Result>
struct shallow_answer;
template <class Answer, class Result>
struct answer_traits<shallow_answer<Answer, Result>> {
    using answer = Answer;
    template <class Op>
    using resumption = shallow::resumption<Op, Result>;
};

template <class T>
inline constexpr bool is_rest = false;
template <class Result>
inline constexpr bool is_rest<shallow_rest<Result>> = true;

inline constexpr frame_table bare_table{nullptr, 0, "a shallow handler's body"};

// The body on its stack. The handlers lie outside it, with the call of `handle`; each resume links `bottom` to those in force.
template <class Body>
struct shallow_body final : prompt {
    using result_type = std::invoke_result_t<Body>;

    explicit shallow_body(Body&& b) : bottom(&bare_table), body(std::forward<Body>(b)) {
        run = &shallow_body::run_body;
        prompt::finish = reinterpret_cast<any_function>(&shallow_body::take_result);
        destroy = &shallow_body::destroy_all;
        outermost = &bottom;
    }

    static void run_body(fiber* f) noexcept {
        auto* self = static_cast<shallow_body*>(f);
        try {
            self->result.take_from([&]() -> result_type { return std::forward<Body>(self->body)(); });
        } catch (unwinding const& u) {
            if (u.target != self && (!self->given_up || u.target != self->given_up)) {
                self->given_up = nullptr; // goes further out than what this one was given up for
                self->keep_exception();
            }
        } catch (...) {
            self->keep_exception();
        }
    }

    void keep_exception() noexcept {
        thrown.take();
        prompt::finish = reinterpret_cast<any_function>(&throw_on<result_type>);
    }

    static result_type take_result(prompt* p) {
        auto* self = static_cast<shallow_body*>(p);
        struct release {
            shallow_body* self;
            ~release() { end(*self); }
        } guard{self};
        return self->result.take();
    }

    static void destroy_all(prompt* p) noexcept {
        auto* self = static_cast<shallow_body*>(p);
        stack memory = take_stack(*self);
        std::destroy_at(self);
        release_stack(memory);
    }

    layer_frame bottom;
    kept<result_type> result;
    Body body; // a reference where it was an lvalue
};

// The frames of the handlers lie on this stack, but are in force on the body's only.
template <class Layers>
class beside {
public:
    beside(Layers& layers, prompt& body, std::string_view const* name) : layers_(layers) {
        thread_state& thread = *this_thread();
        first_ = layers.link(thread, thread.top, thread.frames, &body, name);
        thread.frames = first_;
    }
    beside(beside const&) = delete;
    beside& operator=(beside const&) = delete;
    ~beside() { this_thread()->frames = layers_.last()->below; }

    frame* first() const noexcept { return first_; }

private:
    Layers& layers_;
    frame* first_;
};

// The body has asked or ended.
template <class Answer, class Result, class Layers>
Answer settle_shallow(prompt* p, Layers& layers, abort_state<Answer>& aborted) {
    request* asked = std::exchange(p->asked, nullptr);
    if (!asked) {
        if (aborted.aborted && p->given_up) {
            end(*p);
            return aborted.take();
        }
        return layers.template map<Answer>(
            [&]() -> Result { return reinterpret_cast<finish_function<Result>>(p->finish)(p); });
    }
    tail<Answer> answer = reinterpret_cast<clause_function<Answer>>(asked->clause)(asked);
    if (request* next = answer.take_next()) return resume_and_settle<Answer>(*next);
    return answer.take_answer();
}

template <class Answer, class Options, class Body, class Layers>
Answer start_shallow([[maybe_unused]] Options options, Body&& body, Layers& layers) {
    using running = shallow_body<Body>;
    static_assert(sizeof(running) <= default_stack_size / 4, "the body is too large for its stack");
    auto* p = construct_on_stack<running>(acquire_stack(options.stack_size), std::forward<Body>(body));
    abort_state<Answer> aborted;
    share_state(layers, &aborted);
    beside<Layers> installed(layers, *p, name_of_body<Body>());
    thread_state& thread = *this_thread();
    p->bottom.self = nullptr;
    p->bottom.home = nullptr;
    p->bottom.below = nullptr;
    p->bottom.outer = installed.first();
    p->bottom.stamp = new_stamp(thread);
    p->outer_stamp = installed.first()->stamp;
    p->strand = thread.strand;
    context here;
    start_on_stack(*p, reinterpret_cast<std::byte*>(p), here, &p->bottom, &p->bottom);
    return settle_shallow<Answer, typename running::result_type>(p, layers, aborted);
}

template <class Answer, class Result, class Layers>
Answer go_on_shallow(request& r, Layers& layers) {
    prompt* p = r.target;
    abort_state<Answer> aborted;
    share_state(layers, &aborted);
    beside<Layers> installed(layers, *p, nullptr);
    thread_state& thread = *this_thread();
    frame* outer = std::exchange(thread.top, installed.first());
    relink(*p, r, thread);
    thread.top = outer; // what the clauses run under
    context here;
    p->resumer = &here;
    switch_to(thread, here, r.here);
    return settle_shallow<Answer, Result>(p, layers, aborted);
}

template <class Answer, class Options, class Body, class... Pieces>
decltype(auto) handle_shallow(Options options, Body&& body, std::tuple<Pieces...>&& pieces) {
    static_assert((std::size_t{0} + ... + is_returns<std::remove_cvref_t<Pieces>>) <= 1, "one returns clause a handle");
    static_assert(
        !(... || is_finally<std::remove_cvref_t<Pieces>>),
        "a shallow handler ends before its body does: give finally to an effects::handle around or inside it");
    static_assert(!is_options<Options> || !is_rest<std::remove_cvref_t<Body>>,
                  "the rest of a body stays on the stack that it began on: give the options to the handle that began "
                  "it");
    if constexpr ((... || is_control<std::remove_cvref_t<Pieces>>)) {
        using result = std::invoke_result_t<Body>;
        using answer = std::conditional_t<std::is_same_v<Answer, deduced>,
                                          typename mapped_result<result, Pieces...>::type, Answer>;
        layers_of<shallow_answer<answer, result>, Pieces...> layers(std::move(pieces));
        if constexpr (is_rest<std::remove_cvref_t<Body>>)
            return static_cast<answer>(go_on_shallow<answer, result>(body.take(), layers));
        else
            return static_cast<answer>(start_shallow<answer>(options, std::forward<Body>(body), layers));
    } else {
        return handle_pieces<Answer>(std::forward<Body>(body), std::move(pieces), options);
    }
}

template <class Answer, class Outer, class Options, class Body, class... Hs>
decltype(auto) handle_shallow_under(Options options, Body&& body, Hs&&... hs) {
    static_assert(performs_checked<Outer, pieces_in<Hs...>>);
    auto pieces = all_pieces_of(std::forward<Hs>(hs)...);
    using callable = callable_under<Body, Outer, Hs...>;
    if constexpr (std::is_reference_v<callable>)
        return handle_shallow<Answer>(options, std::forward<Body>(body), std::move(pieces));
    else
        return handle_shallow<Answer>(options, callable{std::forward<Body>(body)}, std::move(pieces));
}

} // namespace effects::detail
