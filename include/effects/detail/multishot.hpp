// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/detail/handled.hpp>
#include <effects/detail/offered.hpp>
#include <effects/detail/replay.hpp>
#include <effects/detail/tagged_layer.hpp>
#include <effects/resumption.hpp>

namespace effects::multishot {
template <class Op, class Answer>
class resumption;
}

namespace effects::detail {

// ---- the innermost handler of a run: records what leaves the body, and replays it ----

// As a handler's argument: the run that it belongs to. `Ops` are those of the control clauses beside it.
template <class... Ops>
class recording {
public:
    explicit recording(replay_run* run) noexcept : run_(run) {}
    recording(recording&& other) noexcept : run_(std::exchange(other.run_, nullptr)) {}
    recording& operator=(recording&&) = delete;
    ~recording() {
        if (run_) end_run(*run_);
    }
    replay_run* run() const noexcept { return run_; }
    void release() noexcept { run_ = nullptr; }

private:
    replay_run* run_;
};

template <class Piece, class... Ops>
struct recording_layer : layer_frame {
    explicit recording_layer(Piece&& piece) : layer_frame(&table_of), held(std::move(piece)) {
        self = held.run();
        for (clause_entry const& entry : entries) // each run looks for them: they need not be searched
            cache[entry.operation->hash % lookup_slots] = {entry.operation, entry.answer, this};
    }
    void share(void*) noexcept {}
    static constexpr bool answers_all = true; // by performing it further out: what lies there is found from there

    inline static const clause_entry entries[] = {
        {&operation_id<Ops>::info, reinterpret_cast<any_function>(&answer_recorded<Ops, true>), clause_kind::on}...};
    inline static const frame_table table_of{
        .entries = entries, .size = sizeof...(Ops), .handler = "effects::multishot::handle", .records = true};
    Piece held;
};
template <class Answer, class Piece, class... Ops>
struct layer_of<Answer, Piece, recording<Ops...>> {
    using type = recording_layer<Piece, Ops...>;
};

// ---- the clauses ----

// Calls the user's clause `F` with a resumption of the other kind. `Performed` is the operation, at its tag where it has one.
template <class Op, class Answer, class F, class Performed = Op>
struct multishot_clause {
    static_assert(answers_copy<Op>(),
                  "multishot::handle may answer this operation's place again and again, so its result_type must be "
                  "copyable (and the operation must not say replayable = false)");
    F* clause;
    replay_run* run;

    decltype(auto) operator()(Op&& op, resumption<Op, Answer> k) const {
        return call_clause(*clause, std::as_const(op), true, of_many(std::move(k)));
    }
    decltype(auto) operator()(Op const& op, resumption<Op, Answer> k) const {
        return call_clause(*clause, op, false, of_many(std::move(k)));
    }

private:
    template <class K>
    static decltype(auto) call_clause(F& f, Op const& op, bool movable, K&& k) {
        return detail::call_clause(f, std::addressof(op), movable, std::forward<K>(k));
    }
    multishot::resumption<Op, Answer> of_many(resumption<Op, Answer>&& k) const {
        return multishot::resumption<Op, Answer>(wait_for_answer(*run, operation_id<Performed>::info, k.release()));
    }
};

template <class Answer, template <class> class Performed, class Op, class F>
auto clause_of_run(control_clause<Op, F>& clause, replay_run* run) {
    using wrapped = multishot_clause<Op, Answer, F, Performed<Op>>;
    return control_clause<Op, wrapped>{{&clause.answer, run}, clause.made};
}
template <class Answer, template <class> class Performed, class Op, class F>
auto clause_of_run(control_clause<Op, F> const& clause, replay_run* run) {
    using wrapped = multishot_clause<Op, Answer, F const, Performed<Op>>;
    return control_clause<Op, wrapped>{{&clause.answer, run}, clause.made};
}

template <class Tag>
struct at_tag {
    template <class Op>
    using performed = tagged<Tag, Op>;
};
template <class Op>
using untagged = Op;

template <class Answer, class Handler>
decltype(auto) piece_of_run(Handler& handler, [[maybe_unused]] replay_run* run) {
    if constexpr (is_control<std::remove_const_t<Handler>>)
        return clause_of_run<Answer, untagged>(handler, run);
    else
        return (handler);
}
template <class Answer, class Tag, class Piece, class Scope>
decltype(auto) tagged_piece_of_run(auto& handler, [[maybe_unused]] replay_run* run) {
    if constexpr (is_control<std::remove_cvref_t<Piece>>) {
        auto clause = clause_of_run<Answer, at_tag<Tag>::template performed>(handler.piece, run);
        return tagged_piece<Tag, decltype(clause), Scope>(std::move(clause));
    } else {
        return (handler);
    }
}
template <class Answer, class Tag, class Piece, class Scope>
decltype(auto) piece_of_run(tagged_piece<Tag, Piece, Scope>& handler, replay_run* run) {
    return tagged_piece_of_run<Answer, Tag, Piece, Scope>(handler, run);
}
template <class Answer, class Tag, class Piece, class Scope>
decltype(auto) piece_of_run(tagged_piece<Tag, Piece, Scope> const& handler, replay_run* run) {
    return tagged_piece_of_run<Answer, Tag, Piece, Scope>(handler, run);
}
template <class Answer, class Piece>
using run_piece = decltype(piece_of_run<Answer>(std::declval<std::remove_reference_t<Piece>&>(), nullptr));

template <class Piece>
struct controlled_by {
    using type = operations<>;
};
template <class Op, class F>
struct controlled_by<control_clause<Op, F>> {
    using type = operations<Op>;
};
template <class Tag, class Op, class F, class Scope>
struct controlled_by<tagged_piece<Tag, control_clause<Op, F>, Scope>> {
    using type = operations<tagged<Tag, Op>>;
};
template <class Tag, class Piece, class Scope>
    requires(!std::is_same_v<Piece, std::remove_cvref_t<Piece>>)
struct controlled_by<tagged_piece<Tag, Piece, Scope>>
    : controlled_by<tagged_piece<Tag, std::remove_cvref_t<Piece>, Scope>> {};
template <class... All>
struct recording_of;
template <class... Ops>
struct recording_of<operations<Ops...>> {
    using type = recording<Ops...>;
};
template <class... A, class... B, class... Rest>
struct recording_of<operations<A...>, operations<B...>, Rest...> : recording_of<operations<A..., B...>, Rest...> {};

// ---- the body ----

template <class Body>
struct body_of_run {
    using result = std::invoke_result_t<std::remove_reference_t<Body>&>;

    std::remove_reference_t<Body>* body;
    replay_run* run;

    result operator()() const {
        try {
            if constexpr (std::is_void_v<result>) {
                call();
                run->ended();
            } else {
                result value = call();
                run->ended();
                if constexpr (std::is_reference_v<result>)
                    return static_cast<result>(value);
                else
                    return value;
            }
        } catch (unwinding const&) {
            throw;
        } catch (...) {
            run->threw();
            throw;
        }
    }

private:
    // One that may change itself starts each run as it was given.
    static constexpr bool copied = !std::is_lvalue_reference_v<Body> &&
                                   !std::is_invocable_v<std::remove_reference_t<Body> const&> &&
                                   std::is_copy_constructible_v<Body>;

    result call() const {
        if constexpr (copied) {
            Body own(std::as_const(*body));
            return own();
        } else {
            return (*body)();
        }
    }
};

template <class Body>
struct body_as_written<body_of_run<Body>> : body_as_written<std::remove_cvref_t<Body>> {};

// ---- a run's stack, on which the next one may start ----

template <class Answer, class Body, class... Pieces>
struct stack_of_run {
    using all = handled<Answer, Body, layers_of<Answer, Pieces...>>;

    template <class Options>
    static Answer run(Options options, Body&& body, std::tuple<Pieces...>&& pieces) {
        check_pieces<Options, Pieces...>();
        all* self = make_handled<all>(options, std::move(body), std::move(pieces));
        self->destroy = &destroy_or_keep;
        frame* first = self->body.run->innermost = self->install(*this_thread());
        return run_handled<Answer>(self, first);
    }

    static void reinstall(prompt* ready) {
        auto* self = static_cast<all*>(ready);
        self->layers.each_frame([](frame& f) { forget_lookups(f); });
        self->install(*this_thread());
    }

private:
    static void destroy_or_keep(prompt* p) noexcept {
        auto* self = static_cast<all*>(p);
        replay_run& run = *self->body.run;
        if (!may_be_ready(run)) return all::destroy_all(p);
        self->renew();
        keep_ready(run, *p);
    }
};

// ---- all of it ----

template <class Answer, class Options, class Body, class... Pieces>
struct multishot_root final : replay_root {
    using recording_piece =
        typename recording_of<operations<>, typename controlled_by<std::remove_cvref_t<Pieces>>::type...>::type;
    using run_pieces = std::tuple<recording_piece, run_piece<Answer, Pieces>...>;
    using run_stack = stack_of_run<Answer, body_of_run<Body>, recording_piece, run_piece<Answer, Pieces>...>;

    multishot_root(Options o, Body&& b, std::tuple<Pieces...>&& p)
        : options(o), body(std::forward<Body>(b)), pieces(std::move(p)) {
        destroy = [](replay_root* self) noexcept { delete static_cast<multishot_root*>(self); };
        start = reinterpret_cast<any_function>(&multishot_root::run);
        reinstall = &run_stack::reinstall;
    }

    static Answer run(replay_root* self, replay_run* r) {
        auto& all = *static_cast<multishot_root*>(self);
        recording_piece record(r);
        return std::apply(
            [&](auto&... piece) -> Answer {
                return run_stack::run(all.options, body_of_run<Body>{std::addressof(all.body), r},
                                      run_pieces(std::move(record), piece_of_run<Answer>(piece, r)...));
            },
            all.pieces);
    }

    [[no_unique_address]] Options options; // of each run's stack
    Body body;                             // a reference where it was an lvalue
    std::tuple<Pieces...> pieces;
};

class root_in_use {
public:
    explicit root_in_use(replay_root& root) noexcept : root_(root) {
        hold(root_);
        ++root_.in_use;
    }
    root_in_use(root_in_use const&) = delete;
    root_in_use& operator=(root_in_use const&) = delete;
    ~root_in_use() {
        if (--root_.in_use == 0 && root_.ready) end_ready(root_);
        let_go(root_);
    }

private:
    replay_root& root_;
};

template <class Answer, class Options, class Body, class... Pieces>
decltype(auto) handle_again_and_again(Options options, Body&& body, std::tuple<Pieces...>&& pieces) {
    using body_result = std::invoke_result_t<std::remove_reference_t<Body>&>;
    using answer = std::conditional_t<std::is_same_v<Answer, deduced>,
                                      typename mapped_result<body_result, Pieces...>::type, Answer>;
    if constexpr ((... || is_control<std::remove_cvref_t<Pieces>>)) {
        using root = multishot_root<answer, Options, Body, Pieces...>;
        auto* all = new root(options, std::forward<Body>(body), std::move(pieces));
        root_in_use guard(*all);
        return root::run(all, make_run(*all, nullptr));
    } else {
        return handle_pieces<Answer>(body, std::move(pieces), options); // an lvalue, as in each run
    }
}

template <class Answer, class Outer, class Options, class Body, class... Hs>
decltype(auto) handle_repeatedly_under(Options options, Body&& body, Hs&&... hs) {
    static_assert(performs_checked<Outer, pieces_in<Hs...>>);
    auto pieces = all_pieces_of(std::forward<Hs>(hs)...);
    if constexpr (std::is_invocable_v<std::remove_reference_t<Body>&>)
        return handle_again_and_again<Answer>(options, std::forward<Body>(body), std::move(pieces));
    else
        return handle_again_and_again<Answer>(
            options, repeated_with_capability<Body, offer<Outer, Hs...>>{std::forward<Body>(body)}, std::move(pieces));
}

// ---- resuming ----

// The value that a resumption is given: made before anything happens, because making it may throw.
template <class Op>
class answer_made {
    using result = result_of<Op>;

public:
    template <class... Value>
    explicit answer_made(Value&&... value) : made_(std::forward<Value>(value)...) {
        static_assert(sizeof...(Value) == 1, "resume takes one value, of the operation's result_type (none where that "
                                             "is void)");
        static_assert((... && std::is_constructible_v<result, Value>),
                      "the value that resume is given must make the operation's result_type");
    }
    template <class F>
    decltype(auto) give_to(F&& f) {
        return f(static_cast<result&&>(made_));
    }
    void record(recorded_answer& into) {
        if constexpr (std::is_reference_v<result>)
            record_value(into, std::addressof(made_));
        else
            record_value(into, std::move(made_));
    }

private:
    result made_;
};
template <class Op>
    requires std::is_void_v<result_of<Op>>
class answer_made<Op> {
public:
    template <class... Value>
    explicit answer_made(Value&&...) {
        static_assert(sizeof...(Value) == 0, "resume takes one value, of the operation's result_type (none where that "
                                             "is void)");
    }
    template <class F>
    decltype(auto) give_to(F&& f) {
        return f();
    }
    void record(recorded_answer&) {}
};

// Runs the body from its start to the place, answers there what `record` writes down, and goes on. Inline, so that no return goes
// wrong after the switches: see switch.hpp.
template <class Op, class Answer, class Record>
[[gnu::always_inline]] inline Answer run_again(replay_part& place, Record&& record) {
    check_repeatable(place);
    replay_root& root = *place.root;
    root_in_use guard_of_root(root);
    replay_run* run = make_run(root, &place);
    {
        recording<> guard(run);
        record(run->add(*place.operation));
        run->added();
        start_replay(*run);
        guard.release();
    }
    prompt* ready = std::exchange(run->ready, nullptr);
    if (!ready) return reinterpret_cast<Answer (*)(replay_root*, replay_run*)>(root.start)(&root, run);
    if (!installed_under(*ready, *this_thread())) [[unlikely]]
        root.reinstall(ready);
    return run_handled<Answer>(ready, run->innermost);
}

} // namespace effects::detail
