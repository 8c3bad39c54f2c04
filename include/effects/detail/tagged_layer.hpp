// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/detail/handled.hpp>
#include <effects/detail/offered.hpp>
#include <effects/tagged.hpp>

namespace effects {

template <class Tag>
struct tag;

namespace detail {

template <class Plain>
struct performs_like {};
template <says_what_it_performs Plain>
struct performs_like<Plain> {
    using performs = typename Plain::performs;
};

// A handler at a tag; `Piece` is a reference where it is borrowed. `Scope` is a can<…> of what is handled beside it, untagged.
template <class Tag, class Piece, class Scope>
struct tagged_piece : performs_like<std::remove_cvref_t<Piece>> {
    explicit tagged_piece(Piece&& p) : piece(std::forward<Piece>(p)) {}

    template <class Group> // what the worlds call
    void start(Group& g) requires requires(std::remove_reference_t<Piece>& h) {
        h.start(g);
    }
    { piece.start(g); }
    void stop() requires requires(std::remove_reference_t<Piece>& h) { h.stop(); }
    { piece.stop(); }

    Piece piece;
};

template <class Tag, class Piece, class Scope>
inline constexpr bool is_control<tagged_piece<Tag, Piece, Scope>> = is_control<std::remove_cvref_t<Piece>>;
template <class Tag, class Piece, class Scope>
inline constexpr bool is_aborts<tagged_piece<Tag, Piece, Scope>> = is_aborts<std::remove_cvref_t<Piece>>;

template <class Can>
inline constexpr bool may_be_anything = false;
template <class... Ops>
inline constexpr bool may_be_anything<can<Ops...>> = is_one_of<any_operation, Ops...>;

template <class Tag, class Can>
struct tagged_each;
template <class Tag, class... Ops>
struct tagged_each<Tag, can<Ops...>> {
    using type = can<tagged<Tag, Ops>...>;
};
template <class Tag, class Piece, class Scope>
struct answered_by<tagged_piece<Tag, Piece, Scope>>
    : tagged_each<Tag, typename answered_by<std::remove_cvref_t<Piece>>::type> {};

// Its own plain operations are answered at the tag, too.
template <class Tag, class Op>
struct without_tag {
    using type = can<>;
};
template <class Tag, class Op>
struct without_tag<Tag, tagged<Tag, Op>> {
    using type = can<Op>;
};
template <class Tag, class Piece, class Scope, class... Ops>
struct offer_seen_by<tagged_piece<Tag, Piece, Scope>, can<Ops...>>
    : joined<can<Ops...>, typename without_tag<Tag, Ops>::type...> {};

// ---- while a clause at a tag runs, its own plain operations go to the tag ----

template <class Tag, class Op>
result_of<Op> answer_at_tag(frame* home, Op const* op, bool movable) {
    using key = tagged<Tag, Op>;
    frame& outer = *home->outer;
    bool handled;
    lookup_slot found = find_answer<key>(outer, handled);
    if (!handled) {
        if (lookup_slot plain = find_answer<Op>(outer, handled); handled)
            return reinterpret_cast<answer_function<Op>>(plain.answer)(plain.home, op, movable);
        found = look_up<key>(outer, this_thread()->performed_at, nullptr);
    }
    auto answer = reinterpret_cast<answer_function<key>>(found.answer);
    if constexpr (std::is_move_constructible_v<Op>) {
        if (movable) {
            key moved{std::move(const_cast<Op&>(*op))};
            return answer(found.home, &moved, true);
        }
    }
    if constexpr (std::is_copy_constructible_v<Op>) {
        key copy{*op};
        return answer(found.home, &copy, true);
    } else {
        throw std::logic_error(
            "a handler at a tag performed a move-only operation as an lvalue: perform(std::move(op))");
    }
}

template <class Tag, class Scope>
struct retagging;
template <class Tag, class... Ops>
struct retagging<Tag, can<Ops...>> : layer_frame {
    explicit retagging(frame* around) noexcept : layer_frame(&table_of) {
        thread_state& thread = *this_thread();
        self = this;
        home = nullptr;
        outer = around;
        below = thread.frames;
        stamp = new_stamp(thread);
        thread.frames = this;
    }
    ~retagging() { this_thread()->frames = below; }

    inline static const clause_entry entries[] = {
        {&operation_id<Ops>::info, reinterpret_cast<any_function>(&answer_at_tag<Tag, Ops>), clause_kind::on}...,
        {nullptr, nullptr, clause_kind::on}};
    inline static const frame_table table_of{
        .entries = entries, .size = sizeof...(Ops), .handler = type_name<tag<Tag>>(), .wants_place = true};
};

// ---- the installed handler ----

template <class Base, class Tag, class Scope, class Op>
result_of<Op> answer_tagged(frame* home, tagged<Tag, Op> const* op, bool movable) {
    retagging<Tag, Scope> around(home->outer);
    frame seen; // as much of it as a clause's caller looks at
    seen.outer = &around;
    seen.self = home->self;
    seen.home = home->home;
    return Base::template answer_to<Op>()(&seen, &op->op, movable);
}
template <class Base, class Tag, class Op>
result_of<Op> answer_tagged_by_capture(frame* home, tagged<Tag, Op> const* op, bool movable) {
    return Base::template answer_to<Op>()(home, &op->op, movable);
}

template <class Tag, class Held, class Base, class Scope, bool Captures, clause_kind Kind, class Ops>
struct tagged_layer;
template <class Tag, class Held, class Base, class Scope, bool Captures, clause_kind Kind, class... Ops>
struct tagged_layer<Tag, Held, Base, Scope, Captures, Kind, can<Ops...>> : Base {
    explicit tagged_layer(Held&& at) : Base(std::forward<Held>(at).piece) { this->table = &table_at_tag; }
    static constexpr bool known_at_once = false; // `entry` is of the plain operation

    template <class Key>
    static constexpr answer_function<Key> answer_to() noexcept {
        return answer_to_tagged(static_cast<Key const*>(nullptr));
    }
    template <class Op>
    static constexpr answer_function<tagged<Tag, Op>> answer_to_tagged(tagged<Tag, Op> const*) noexcept {
        if constexpr (Captures)
            return &answer_tagged_by_capture<Base, Tag, Op>;
        else
            return &answer_tagged<Base, Tag, Scope, Op>;
    }

    inline static const clause_entry entries_at_tag[] = {
        {&operation_id<tagged<Tag, Ops>>::info, reinterpret_cast<any_function>(answer_to<tagged<Tag, Ops>>()), Kind}...,
        {nullptr, nullptr, Kind}};
    inline static const frame_table table_at_tag{.entries = entries_at_tag,
                                                 .size = sizeof...(Ops),
                                                 .handler = Base::handler_name(),
                                                 .wants_place = Base::wants_place};
};

template <class Answer, class Held, class Tag, class Piece, class Scope>
struct layer_of<Answer, Held, tagged_piece<Tag, Piece, Scope>> {
    using plain = std::remove_cvref_t<Piece>;
    using inner = std::conditional_t<std::is_lvalue_reference_v<Held>, decltype((std::declval<Held>().piece)), Piece>;
    using type = tagged_layer<Tag, Held, typename layer_of<Answer, inner>::type, Scope, is_control<plain>,
                              is_control<plain>  ? clause_kind::control
                              : is_aborts<plain> ? clause_kind::aborts
                                                 : clause_kind::on,
                              typename answered_by<plain>::type>;
};

// ---- making them ----

template <class Tag, class Scope, class Piece>
auto tag_piece(Piece&& p) {
    using plain = std::remove_cvref_t<Piece>;
    if constexpr (is_returns<plain> || is_finally<plain>)
        return std::tuple<Piece>(std::forward<Piece>(p));
    else
        return std::tuple<tagged_piece<Tag, Piece, Scope>>(tagged_piece<Tag, Piece, Scope>(std::forward<Piece>(p)));
}

template <class Tag, class... Pieces>
auto tag_pieces(std::tuple<Pieces...>&& pieces) {
    using scope = typename offer_of<can<>, std::tuple<Pieces...>>::type;
    static_assert(
        !may_be_anything<scope>,
        "a handler of whatever comes, such as test::mock, answers tagged operations by itself: pass it without the "
        "tag and say world.on(effects::at<Tag>(op))");
    auto all = std::apply(
        [](auto&... p) { return std::tuple_cat(tag_piece<Tag, scope, Pieces>(std::forward<Pieces>(p))...); }, pieces);
    return [&]<class... Tagged>(std::tuple<Tagged...>& t) { return handler_stack<Tagged...>{std::move(t)}; }(all);
}

} // namespace detail
} // namespace effects
