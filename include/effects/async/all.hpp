// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/async/group.hpp>
#include <effects/async/outcome.hpp>

namespace effects::async {

/// Functions to run beside each other: called without arguments, in tasks, by reference while the caller waits.
template <class F>
concept job = std::is_invocable_v < std::remove_reference_t<F>
& > ;

/// A range of them.
template <class R>
concept job_range = std::ranges::input_range<R> && job<std::ranges::range_reference_t<R>> && !job<R>;

namespace detail {

template <class F>
using job_result = std::invoke_result_t<std::remove_reference_t<F>&>;

// What several tasks give, each in its place.
template <class T>
using slot = effects::detail::kept<or_unit<T>>;

template <class T, class F>
void fork_into(group& g, slot<T>& into, F& f) {
    detail::fork(g, [&into, &f] { into.take_from([&] { return call_or_unit(f); }); });
}

template <class T, class F>
void fork_outcome(group& g, effects::detail::kept<outcome<T>>& into, F& f) {
    detail::fork(g, [&into, &f] {
        auto error = error_of([&] { into.take_from([&] { return outcome<T>(call_or_unit(f)); }); });
        if (!error) return;
        effects::detail::mark_shared(error, effects::detail::sharing::by_tasks);
        into.take_from([&] { return outcome<T>(std::move(error)); });
    });
}

template <class T, class Slots>
std::vector<T> take_all(Slots& slots) {
    std::vector<T> values;
    values.reserve(slots.size());
    for (auto& s : slots) values.push_back(s.take());
    return values;
}

} // namespace detail

/// Runs functions beside each other, each in a task of its own, and gives their results when all have ended: a tuple, in which a
/// void result is a `unit`. The first exception cancels the others and is thrown when they have ended. Cancelling the caller cancels
/// them all, and is thrown when they have ended.
///
///     auto [user, orders] = async::all([&] { return find_user(id); }, [&] { return find_orders(id); });
template <job... Fs>
    requires(sizeof...(Fs) > 0)
auto all(Fs&&... fs) {
    std::tuple<detail::slot<detail::job_result<Fs>>...> slots;
    std::apply(
        [&](auto&... s) { task_group([&](group& g) { (detail::fork_into<detail::job_result<Fs>>(g, s, fs), ...); }); },
        slots);
    return std::apply([](auto&... s) { return std::tuple<detail::or_unit<detail::job_result<Fs>>...>(s.take()...); },
                      slots);
}

/// The same for a range of functions: a vector, in its order.
template <job_range R>
auto all(R&& jobs) {
    using result = detail::job_result<std::ranges::range_reference_t<R>>;
    static_assert(std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>,
                  "the range's functions must lie in it");
    std::deque<detail::slot<result>> slots;
    task_group([&](group& g) {
        for (auto& f : jobs) detail::fork_into<result>(g, slots.emplace_back(), f);
    });
    return detail::take_all<detail::or_unit<result>>(slots);
}

/// Runs functions beside each other and gives how each of them ended: a tuple of `outcome`s. An exception cancels nobody.
/// Cancelling the caller cancels them all, and is thrown.
///
///     auto [a, b] = async::all_outcomes(f, g);   if (!a) note(a.error());
template <job... Fs>
    requires(sizeof...(Fs) > 0)
auto all_outcomes(Fs&&... fs) {
    std::tuple<effects::detail::kept<outcome<detail::job_result<Fs>>>...> slots;
    std::apply(
        [&](auto&... s) {
            task_group([&](group& g) { (detail::fork_outcome<detail::job_result<Fs>>(g, s, fs), ...); });
        },
        slots);
    return std::apply([](auto&... s) { return std::tuple<outcome<detail::job_result<Fs>>...>(s.take()...); }, slots);
}

/// The same for a range of functions: a vector of outcomes, in its order.
template <job_range R>
auto all_outcomes(R&& jobs) {
    using result = detail::job_result<std::ranges::range_reference_t<R>>;
    static_assert(std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>,
                  "the range's functions must lie in it");
    std::deque<effects::detail::kept<outcome<result>>> slots;
    task_group([&](group& g) {
        for (auto& f : jobs) detail::fork_outcome<result>(g, slots.emplace_back(), f);
    });
    return detail::take_all<outcome<result>>(slots);
}

} // namespace effects::async
