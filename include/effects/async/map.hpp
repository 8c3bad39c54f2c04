// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <deque>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/async/all.hpp>
#include <effects/async/semaphore.hpp>
#include <effects/async/sleep.hpp>
#include <effects/detail/layer.hpp>

namespace effects::async {

/// How `map` and `for_each` go about it.
struct map_options {
    std::size_t limit = 16; ///< at most so many calls at a time; `async::unbounded` for no limit
};

namespace detail {

void check_limit(std::size_t limit);

// A range that gives each element once (a channel's, say) is asked for one only when there is room for it: so a cancellation that comes
// first loses none.
template <class R, class F>
void each_with_room(R& range, semaphore& room, F&& f) {
    auto next_room = [&] {
        permit mine = room.acquire();
        checkpoint(); // there may be room because a call failed
        return mine;
    };
    if constexpr (std::ranges::forward_range<R>) {
        for (auto it = std::ranges::begin(range); it != std::ranges::end(range); ++it) f(it, next_room());
    } else {
        permit mine = next_room();
        for (auto it = std::ranges::begin(range); it != std::ranges::end(range);) {
            f(it, std::move(mine));
            mine = next_room();
            ++it;
        }
    }
}

// A task for each element, in their order (so that paths tell the elements), each started when there is room:
// `prepare()` gives what `call(into, element)` gets first. Elements that don't outlast the iterator's next step are copied.
template <class R, class Prepare, class Call>
void run_over(R& range, map_options how, Prepare&& prepare, Call&& call) {
    check_limit(how.limit);
    semaphore room(how.limit);
    task_group([&](group& g) {
        each_with_room(range, room, [&](auto const& it, permit&& mine) {
            auto* into = prepare();
            if constexpr (std::ranges::forward_range<R>)
                detail::fork(g, [&call, into, it, held = std::move(mine)] { call(into, *it); });
            else
                detail::fork(g, [&call, into, element = std::ranges::range_value_t<R>(*it),
                                 held = std::move(mine)]() mutable { call(into, element); });
        });
    });
}

template <class R>
using element_reference = std::conditional_t<std::ranges::forward_range<R>, std::ranges::range_reference_t<R>,
                                             std::ranges::range_value_t<R>&>;

} // namespace detail

/// Calls `f` with each element, so many at a time as `limit` says, each in a task of its own, and gives the results in the
/// elements' order. The first exception cancels the others and is thrown when they have ended. Cancelling the caller cancels them all, and is thrown then.
///
///     auto pages = async::map(urls, {.limit = 8}, [](std::string const& url) { return fetch(url); });
///
/// `f` and the range are used by reference while the caller waits; tasks start in the elements' order.
template <std::ranges::input_range R, class F>
    requires std::is_invocable_v<F&, detail::element_reference<R>>
auto map(R&& range, map_options how, F&& f) {
    using result = std::invoke_result_t<F&, detail::element_reference<R>>;
    static_assert(!std::is_void_v<result>, "f gives nothing to collect: use async::for_each");
    if constexpr (!std::is_void_v<result>) {
        using slot = effects::detail::kept<result>;
        std::deque<slot> slots;
        detail::run_over(
            range, how, [&] { return &slots.emplace_back(); },
            [&]<class E>(slot* into, E&& element) {
                into->take_from([&]() -> result { return f(std::forward<E>(element)); });
            });
        return detail::take_all<std::remove_cvref_t<result>>(slots);
    } else {
        return effects::detail::misused{};
    }
}
template <std::ranges::input_range R, class F>
    requires std::is_invocable_v<F&, detail::element_reference<R>>
auto map(R&& range, F&& f) { return map(std::forward<R>(range), map_options{}, std::forward<F>(f)); }

/// The same for an `f` whose results, if any, are not wanted.
///
///     async::for_each(orders, {.limit = 4}, send);
template <std::ranges::input_range R, class F>
    requires std::is_invocable_v<F&, detail::element_reference<R>>
void for_each(R&& range, map_options how, F&& f) {
    detail::run_over(
        range, how, [] { return static_cast<void*>(nullptr); },
        [&]<class E>(void*, E&& element) { static_cast<void>(f(std::forward<E>(element))); });
}
template <std::ranges::input_range R, class F>
    requires std::is_invocable_v<F&, detail::element_reference<R>>
void for_each(R&& range, F&& f) { for_each(std::forward<R>(range), map_options{}, std::forward<F>(f)); }

} // namespace effects::async
