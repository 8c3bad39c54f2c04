// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/detail/layer.hpp>
#include <effects/handle_options.hpp>

namespace effects::detail {

struct deduced {};

// In place of handle_options where none were given: the size is known when it is compiled, and so acquire_stack has one branch less.
struct no_options {
    static constexpr std::size_t stack_size = default_stack_size;
};
template <class T>
inline constexpr bool is_options = std::is_same_v<std::remove_cvref_t<T>, handle_options>;

// ---- the answer's type ----

template <class Piece>
struct returns_layer { // stands among the layers, but is no frame
    explicit returns_layer(Piece&& p) : held(std::forward<Piece>(p)) {}
    Piece held;
};
template <class Answer, class Piece, class F>
struct layer_of<Answer, Piece, returns_clause<F>> {
    using type = returns_layer<Piece>;
};

// ---- what follows the body ----

template <class Piece>
struct finally_layer { // no frame either
    explicit finally_layer(Piece&& p) : held(std::forward<Piece>(p)) {}
    Piece held;
};
template <class Answer, class Piece, class F>
struct layer_of<Answer, Piece, finally_clause<F>> {
    using type = finally_layer<Piece>;
};
template <class Layer>
inline constexpr bool is_finally_layer = false;
template <class Piece>
inline constexpr bool is_finally_layer<finally_layer<Piece>> = true;

// `run()`, then `leave()`: not in a destructor's place while an exception is on its way, since it may perform.
template <class Answer, class F, class Run>
Answer and_finally(F& leave, Run&& run) {
    struct after_a_value {
        F& leave;
        bool armed = true;
        ~after_a_value() noexcept(false) {
            if (armed) static_cast<void>(leave());
        }
    } guard{leave};
    try {
        return std::forward<Run>(run)();
    } catch (...) {
        guard.armed = false;
        static_cast<void>(leave());
        throw;
    }
}

template <class Body, class... Pieces>
struct mapped_result {
    using type = Body;
};
template <class Body, class Piece, class... Rest>
struct mapped_result<Body, Piece, Rest...> : mapped_result<Body, Rest...> {};
template <class Body, class Piece, class... Rest>
    requires is_returns<std::remove_cvref_t<Piece>>
struct mapped_result<Body, Piece, Rest...> {
    using map = decltype((std::declval<Piece&>().map));
    static_assert(std::is_invocable_v<map, Body>,
                  "the function given to effects::returns must take what the body returns");
    using type = typename std::conditional_t<std::is_invocable_v<map, Body>, std::invoke_result<map, Body>,
                                             std::type_identity<misused>>::type;
};
template <class Piece, class... Rest>
    requires is_returns<std::remove_cvref_t<Piece>>
struct mapped_result<void, Piece, Rest...> {
    using map = decltype((std::declval<Piece&>().map));
    static_assert(std::is_invocable_v<map>,
                  "the function given to effects::returns must take no argument, as the body returns nothing");
    using type = typename std::conditional_t<std::is_invocable_v<map>, std::invoke_result<map>,
                                             std::type_identity<misused>>::type;
};

// ---- all layers of one handle, side by side ----

template <std::size_t I, class Layer>
struct layer_slot {
    template <class Piece>
    explicit layer_slot(Piece&& p) : layer(std::forward<Piece>(p)) {}
    Layer layer;
};

template <class Indices, class... Layers>
struct layer_pack;
template <std::size_t... I, class... Layers>
struct layer_pack<std::index_sequence<I...>, Layers...> : layer_slot<I, Layers>... {
    template <class... Pieces>
    explicit layer_pack(std::tuple<Pieces...>&& pieces)
        : layer_slot<I, Layers>(std::forward<Pieces>(std::get<I>(pieces)))... {}

    static constexpr std::size_t frames = (std::size_t{0} + ... + std::is_base_of_v<frame, Layers>);

    template <class F>
    [[gnu::always_inline]] void each_frame(F&& f) {
        (visit<Layers>(static_cast<layer_slot<I, Layers>*>(this)->layer, f), ...);
    }

    // Links the frames, the first one innermost, the last one to `outer`; gives the first.
    [[gnu::always_inline]] frame* link(thread_state& thread, frame* outer, frame* below, fiber* home,
                                       std::string_view const* body) {
        frame* first = nullptr;
        frame* inner = nullptr;
        frame* knows = nullptr; // the innermost that looks outwards; it knows the clauses beside it from the start
        bool open = true;
        each_frame([&]<class Layer>(Layer& f) {
            if (inner)
                inner->outer = inner->below = &f;
            else
                first = &f;
            f.home = home;
            f.body = body;
            f.stamp = new_stamp(thread);
            inner = &f;
            if constexpr (one_clause<Layer>) {
                if (!knows) knows = &f;
                if (open) know(*knows, Layer::entry, f);
            } else if constexpr (!answers_all<Layer>) {
                open = false; // it may answer what a clause further out does, too
            }
        });
        inner->outer = outer;
        inner->below = below;
        last_ = inner;
        return first;
    }
    frame* last() const noexcept { return last_; }

    static constexpr bool has_finally = (... || is_finally_layer<Layers>);

    // What `run` answers, and the `finally` clauses, the innermost first.
    template <class Answer, class Run>
    Answer leave_with(Run&& run) {
        if constexpr (has_finally)
            return leave_at<Answer, 0, Layers...>(std::forward<Run>(run));
        else
            return std::forward<Run>(run)();
    }

    // What the body returned, as the `returns` clause maps it.
    template <class Answer, class Get>
    Answer map(Get&& get) {
        return map_at<Answer, 0, Layers...>(std::forward<Get>(get));
    }

private:
    template <class Layer>
    static constexpr bool one_clause = requires {
        requires Layer::known_at_once;
    };
    template <class Layer>
    static constexpr bool answers_all = requires {
        requires Layer::answers_all;
    };
    [[gnu::always_inline]] static void know(frame& f, clause_entry const& entry, frame& home) noexcept {
        lookup_slot& slot = f.cache[entry.operation->hash % lookup_slots];
        if (!slot.operation) slot = {entry.operation, entry.answer, &home};
    }
    template <class Layer, class F>
    [[gnu::always_inline]] static void visit(Layer& layer, F& f) {
        if constexpr (std::is_base_of_v<frame, Layer>) f(layer);
    }
    template <class Answer, class Get> // the answer may be void where the value is not
    static Answer converted(Get&& get) {
        if constexpr (std::is_void_v<Answer>)
            static_cast<void>(std::forward<Get>(get)());
        else
            return std::forward<Get>(get)();
    }
    template <class Answer, std::size_t At, class Run>
    Answer leave_at(Run&& run) {
        return std::forward<Run>(run)();
    }
    template <class Answer, std::size_t At, class Layer, class... Rest, class Run>
    Answer leave_at(Run&& run) {
        if constexpr (is_finally_layer<Layer>) {
            auto& leave = static_cast<layer_slot<At, Layer>*>(this)->layer.held.leave;
            return leave_at<Answer, At + 1, Rest...>([&]() -> Answer { return and_finally<Answer>(leave, run); });
        } else {
            return leave_at<Answer, At + 1, Rest...>(std::forward<Run>(run));
        }
    }
    template <class Answer, std::size_t At, class Get>
    Answer map_at(Get&& get) {
        return converted<Answer>(std::forward<Get>(get));
    }
    template <class Answer, std::size_t At, class Layer, class... Rest, class Get>
    Answer map_at(Get&& get) {
        if constexpr (std::is_base_of_v<frame, Layer> || is_finally_layer<Layer>) {
            return map_at<Answer, At + 1, Rest...>(std::forward<Get>(get));
        } else {
            auto& f = static_cast<layer_slot<At, Layer>*>(this)->layer.held.map;
            if constexpr (std::is_same_v<Answer, misused>) {
                return misused{}; // mapped_result has said what is wrong
            } else if constexpr (std::is_void_v<std::invoke_result_t<Get>>) {
                std::forward<Get>(get)();
                return converted<Answer>(f);
            } else {
                return converted<Answer>([&]() -> decltype(auto) { return f(std::forward<Get>(get)()); });
            }
        }
    }

    frame* last_ = nullptr;
};

template <class Answer, class... Pieces>
using layers_of = layer_pack<std::index_sequence_for<Pieces...>, typename layer_of<Answer, Pieces>::type...>;

template <class Layers, class State>
void share_state(Layers& layers, State* state) {
    layers.each_frame([&](auto& layer) { layer.share(state); });
}

class uninstall {
public:
    explicit uninstall(frame* last) noexcept : last_(last) {}
    uninstall(uninstall const&) = delete;
    uninstall& operator=(uninstall const&) = delete;
    ~uninstall() {
        thread_state* thread = this_thread();
        thread->top = last_->outer;
        thread->frames = last_->below;
    }

private:
    frame* last_;
};

// ---- without a control clause: on the caller's stack ----

// The body's own value, with the handlers in force for as long as it runs.
template <class Body, class Layers>
std::invoke_result_t<Body> run_installed(Body&& body, Layers& layers) {
    thread_state& thread = *this_thread();
    thread.top = thread.frames = layers.link(thread, thread.top, thread.frames, nullptr, name_of_body<Body>());
    uninstall guard(layers.last());
    return std::forward<Body>(body)();
}

template <class Answer, class Body, class Layers>
Answer run_in_place(Body&& body, Layers& layers) {
    return layers.template map<Answer>(
        [&]() -> std::invoke_result_t<Body> { return run_installed(std::forward<Body>(body), layers); });
}

template <class Answer, class Body, class Layers>
Answer run_abortable(Body&& body, Layers& layers) {
    using body_result = std::invoke_result_t<Body>;
    abort_state<Answer> state;
    share_state(layers, &state);
    kept<body_result> result;
    try {
        result.take_from([&]() -> body_result { return run_installed(std::forward<Body>(body), layers); });
    } catch (unwinding const& u) {
        if (u.target != &state) throw;
    } catch (...) {
        if (!state.aborted) throw; // thrown while unwinding: the body is given up all the same
    }
    if (state.aborted || !result) return state.take();
    return layers.template map<Answer>([&]() -> body_result { return result.take(); });
}

// ---- with one: on a stack of its own ----

template <class Answer, class Body, class Layers>
struct handled final : prompt {
    using body_result = std::invoke_result_t<Body>;

    template <class Pieces>
    handled(Body&& b, Pieces&& pieces) : body(std::forward<Body>(b)), layers(std::forward<Pieces>(pieces)) {
        share_state(layers, &aborted);
        run = &handled::run_body;
        prompt::finish = reinterpret_cast<any_function>(&handled::take_answer);
        destroy = &handled::destroy_all;
    }

    static void run_body(fiber* f) noexcept {
        auto* self = static_cast<handled*>(f);
        try {
            self->result.take_from([&]() -> body_result { return std::forward<Body>(self->body)(); });
        } catch (unwinding const& u) {
            if (u.target != self &&
                u.target != &self->aborted) { // goes further out than what this one was given up for
                self->aborted.aborted = false;
                self->keep_exception();
            }
        } catch (...) {
            if (!self->aborted.aborted) self->keep_exception(); // else the body is given up all the same
        }
        if constexpr (Layers::has_finally)
            if (self->dropped) self->leave_dropped();
    }

    void keep_exception() noexcept {
        thrown.take();
        if constexpr (!Layers::has_finally) prompt::finish = reinterpret_cast<any_function>(&throw_on<Answer>);
    }

    void leave_dropped() { // what it throws meets a noexcept function
        outer_in_force guard(outermost->outer);
        try {
            layers.template leave_with<void>([] {});
        } catch (unwinding const&) { // it would have suspended
        }
    }

    static Answer take_answer(prompt* p) {
        auto* self = static_cast<handled*>(p);
        struct release {
            handled* self;
            ~release() { end(*self); }
        } guard{self};
        return self->layers.template leave_with<Answer>([self]() -> Answer {
            if (self->aborted.aborted) return self->aborted.take();
            if constexpr (Layers::has_finally)
                if (self->thrown) self->thrown.throw_on([]() noexcept {});
            return self->layers.template map<Answer>([&]() -> body_result { return self->result.take(); });
        });
    }

    // Under the handlers that are in force. Gives the innermost of its own.
    [[gnu::always_inline]] frame* install(thread_state& thread) {
        frame* first = layers.link(thread, thread.top, nullptr, this, name_of_body<Body>());
        outermost = layers.last();
        outer_stamp = thread.top->stamp;
        strand = thread.strand;
        return first;
    }

    // To run the body once more: all that the last time has left is gone, but the handlers stay installed.
    void renew() noexcept {
        std::destroy_at(std::addressof(result));
        std::construct_at(std::addressof(result));
        std::destroy_at(std::addressof(aborted));
        std::construct_at(std::addressof(aborted));
        prompt::finish = reinterpret_cast<any_function>(&handled::take_answer);
        make_as_new();
    }

    static void destroy_all(prompt* p) noexcept {
        auto* self = static_cast<handled*>(p);
        stack memory = take_stack(*self);
        std::destroy_at(self);
        release_stack(memory);
    }

    kept<body_result> result;
    abort_state<Answer> aborted;
    Body body; // a reference where it was an lvalue
    Layers layers;
};

// Not always at the same place of a page, or all stacks would compete for the same cache lines.
inline std::size_t next_stack_offset(thread_state& thread) noexcept { return (thread.next_stamp % 16) * 64; }

template <class T, class... Args>
T* construct_on_stack(stack memory, Args&&... args) {
    auto top = reinterpret_cast<std::uintptr_t>(memory.top) - next_stack_offset(*this_thread()) - sizeof(T);
    constexpr std::size_t alignment = alignof(T) > 64 ? alignof(T) : 64;
    auto* place = reinterpret_cast<void*>(top / alignment * alignment);
    struct release {
        stack memory;
        bool armed = true;
        ~release() {
            if (armed) release_stack(memory);
        }
    } guard{memory};
    T* made = ::new (place) T(std::forward<Args>(args)...);
    guard.armed = false;
    made->memory = memory;
    return made;
}

template <class All, class Options, class Body, class Pieces>
[[gnu::always_inline]] inline All* make_handled([[maybe_unused]] Options options, Body&& body, Pieces&& pieces) {
    static_assert(sizeof(All) <= default_stack_size / 4, "the body and its handlers are too large for their stack");
    return construct_on_stack<All>(acquire_stack(options.stack_size), std::forward<Body>(body),
                                   std::forward<Pieces>(pieces));
}

// To an answer. `first` is the innermost of its handlers, which are installed.
template <class Answer, class All>
[[gnu::always_inline]] inline Answer run_handled(All* self, frame* first) {
    {
        context here;
        start_on_stack(*self, reinterpret_cast<std::byte*>(self), here, first, first);
    }
    return settle<Answer>(self);
}

template <class Answer, class Body, class Layers, class Options, class Pieces>
Answer run_on_stack(Options options, Body&& body, Pieces&& pieces) {
    using all = handled<Answer, Body, Layers>;
    all* self = make_handled<all>(options, std::forward<Body>(body), std::forward<Pieces>(pieces));
    return run_handled<Answer>(self, self->install(*this_thread()));
}

// ---- which of the three ----

template <class Options, class... Pieces>
constexpr void check_pieces() {
    static_assert(!is_options<Options> || (... || is_control<std::remove_cvref_t<Pieces>>),
                  "handle's options are for a body on a stack of its own, and none of these handlers is a `control` "
                  "clause, so this one runs on its caller's: leave the options out");
    static_assert((std::size_t{0} + ... + is_returns<std::remove_cvref_t<Pieces>>) <= 1, "one returns clause a handle");
}

template <class Answer, class Body, class... Pieces, class Options = no_options>
decltype(auto) handle_pieces(Body&& body, std::tuple<Pieces...>&& pieces, [[maybe_unused]] Options options = {}) {
    check_pieces<Options, Pieces...>();
    using body_result = std::invoke_result_t<Body>;
    using answer = std::conditional_t<std::is_same_v<Answer, deduced>,
                                      typename mapped_result<body_result, Pieces...>::type, Answer>;
    using layers = layers_of<answer, Pieces...>;

    if constexpr ((... || is_control<std::remove_cvref_t<Pieces>>)) {
        return run_on_stack<answer, Body, layers>(options, std::forward<Body>(body), std::move(pieces));
    } else {
        layers installed(std::move(pieces));
        return installed.template leave_with<answer>([&]() -> answer {
            if constexpr ((... || is_aborts<std::remove_cvref_t<Pieces>>))
                return static_cast<answer>(run_abortable<answer>(std::forward<Body>(body), installed));
            else if constexpr (layers::frames == 0)
                return static_cast<answer>(
                    installed.template map<answer>([&]() -> decltype(auto) { return std::forward<Body>(body)(); }));
            else
                return static_cast<answer>(run_in_place<answer>(std::forward<Body>(body), installed));
        });
    }
}

} // namespace effects::detail
