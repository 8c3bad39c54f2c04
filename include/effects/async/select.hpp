// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/async/channel.hpp>
#include <effects/async/time.hpp>
#include <effects/detail/kept.hpp>

namespace effects::async {

namespace detail {

// One alternative: tried, and where none can go, waited for.
class select_case {
public:
    virtual bool ready() const noexcept = 0; // would `go` do it at once?
    virtual void go() = 0;
    virtual waiter& enlist() = 0; // into the channel's list
    virtual bool waits_with(waiter const& w) const noexcept = 0;

    static constexpr bool is_otherwise = false;
    static constexpr bool is_timeout = false;

protected:
    ~select_case() = default;
};

inline constexpr std::size_t no_case = static_cast<std::size_t>(-1);

// The place of the one that went; `no_case` where none could without waiting, or within the time. Null: takes no part.
std::size_t select_one(select_case* const* cases, std::size_t count, bool waits, time_point until);

template <class T, class F>
class receive_case final : public select_case {
public:
    receive_case(channel<T>& from, F f) : from_(from), f_(std::move(f)) {}

    bool ready() const noexcept override { return from_.closed_ || !from_.items_.empty() || !from_.senders_.empty(); }
    void go() override { from_.take(item_); }
    waiter& enlist() override {
        waiter_.emplace(from_, "select");
        from_.receivers_.push_back(*waiter_);
        return *waiter_;
    }
    bool waits_with(waiter const& w) const noexcept override { return waiter_ && &w == &*waiter_; }
    std::optional<T> take() { return waiter_ ? std::move(waiter_->item) : std::move(item_); }
    decltype(auto) finish() { return std::invoke(f_, take()); }

private:
    channel<T>& from_;
    F f_;
    std::optional<T> item_;
    std::optional<typename channel<T>::receiver> waiter_;
};

// `Held`: T&, the caller's own, or T.
template <class T, class Held, class F>
class send_case final : public select_case {
public:
    template <class V>
    send_case(channel<T>& to, V&& item, F f) : to_(to), item_(std::forward<V>(item)), f_(std::move(f)) {}

    bool ready() const noexcept override { return to_.closed_ || to_.can_take(); }
    void go() override {
        if (to_.closed_) throw channel_closed();
        to_.pass(item_);
    }
    waiter& enlist() override {
        waiter_.emplace(to_, item_, "select");
        to_.senders_.push_back(*waiter_);
        return *waiter_;
    }
    bool waits_with(waiter const& w) const noexcept override { return waiter_ && &w == &*waiter_; }
    decltype(auto) finish() {
        if (waiter_ && !waiter_->taken) throw channel_closed();
        return std::invoke(f_);
    }

private:
    channel<T>& to_;
    Held item_;
    F f_;
    std::optional<typename channel<T>::sender> waiter_;
};

template <class F>
struct otherwise_case {
    static constexpr bool is_otherwise = true;
    static constexpr bool is_timeout = false;
    F f;
    decltype(auto) finish() { return std::invoke(f); }
};

template <class F>
struct timeout_case {
    static constexpr bool is_otherwise = false;
    static constexpr bool is_timeout = true;
    duration limit;
    F f;
    decltype(auto) finish() { return std::invoke(f); }
};

template <class Case>
struct conditional_case {
    static constexpr bool is_otherwise = false;
    static constexpr bool is_timeout = false;
    bool takes_part;
    Case& inner; // of the same expression
    decltype(auto) finish() { return inner.finish(); }
};

template <class Case>
select_case* as_select_case(Case& c) noexcept {
    if constexpr (std::is_base_of_v<select_case, Case>)
        return &c;
    else
        return nullptr;
}
template <class Case>
select_case* as_select_case(conditional_case<Case>& c) noexcept {
    return c.takes_part ? &c.inner : nullptr;
}

template <class Case>
duration limit_of(Case const& c) noexcept {
    if constexpr (Case::is_timeout)
        return c.limit;
    else
        return duration::max();
}

time_point until_after(duration limit); // `never` for the longest

template <class C>
concept select_argument = requires(std::remove_reference_t<C>& c) {
    c.finish();
    { std::remove_reference_t<C>::is_otherwise } -> std::convertible_to<bool>;
};

template <class First, class... Rest>
struct common_result {
    static_assert((... && std::is_same_v<First, Rest>), "the functions of a select return the same type, all of them");
    using type = First;
};

} // namespace detail

/// A case of `select`: receives, and calls `f(std::optional<T>)`; the optional is empty once the channel is closed and has no more.
template <class T, std::invocable<std::optional<T>> F>
detail::receive_case<T, F> receive_from(channel<T>& from, F f) {
    return {from, std::move(f)};
}

/// A case of `select`: sends, and calls `f()`. An item that is given as an rvalue is moved from only where this case is the one
/// that goes. Where the channel is closed, this case goes, and `select` throws `channel_closed`.
template <class T, class V, std::invocable F>
    requires std::is_constructible_v<T, V&&>
auto send_to(channel<T>& to, V&& item, F f) {
    using held = std::conditional_t<std::is_same_v<V, T>, T&, T>;
    if constexpr (std::is_same_v<V, T>)
        return detail::send_case<T, held, F>(to, item, std::move(f));
    else
        return detail::send_case<T, held, F>(to, std::forward<V>(item), std::move(f));
}

/// A case of `select` for when none of the others can go at once: `select` does not wait then.
template <std::invocable F>
detail::otherwise_case<F> otherwise(F f) {
    return {std::move(f)};
}

/// A case of `select` for when none of the others could go for so long. (A `timeout` around the `select` ends the chosen function, too.)
template <class Rep, class Period, std::invocable F>
detail::timeout_case<F> on_timeout(std::chrono::duration<Rep, Period> limit, F f) {
    return {clamp_duration(limit), std::move(f)};
}

/// The case, if `condition` holds; else one that never goes.
///
///     async::when(!jobs_done, async::receive_from(jobs, …))
template <class T, class F>
detail::conditional_case<detail::receive_case<T, F>> when(bool condition, detail::receive_case<T, F>&& one) {
    return {condition, one};
}
template <class T, class Held, class F>
detail::conditional_case<detail::send_case<T, Held, F>> when(bool condition, detail::send_case<T, Held, F>&& one) {
    return {condition, one};
}

/// Waits for several channels at once: exactly one case goes, the first that can, and its function is called; gives what that returns (all of
/// them the same type). Of several that can go at once one is chosen by chance (by the seed, in `sim`), so none is starved.
///
///     async::select(
///         async::receive_from(jobs, [&](std::optional<job> j) { if (j) work(*j); else jobs_done = true; }),
///         async::send_to(results, std::move(next), [&] { ++sent; }),
///         async::on_timeout(1s, [&] { report_idle(); }));
///
/// Cancelling it while it waits leaves every channel, and the item to send, as they were; once an item has passed it is not
/// cancelled any more, but calls the function. The functions run after the waiting, outside of any `on_timeout`. A `select` in which no
/// case takes part is a `std::logic_error`.
template <detail::select_argument... Cases>
    requires(sizeof...(Cases) > 0)
decltype(auto) select(Cases&&... cases) {
    using result = typename detail::common_result<decltype(cases.finish())...>::type;
    constexpr std::size_t count = sizeof...(Cases);
    constexpr bool is_otherwise[] = {std::remove_reference_t<Cases>::is_otherwise...};
    constexpr bool is_timeout[] = {std::remove_reference_t<Cases>::is_timeout...};
    static_assert(std::ranges::count(is_otherwise, true) + std::ranges::count(is_timeout, true) <= 1,
                  "a select has one `otherwise` or one `on_timeout` at most");
    constexpr bool waits = std::ranges::count(is_otherwise, true) == 0;

    detail::select_case* all[] = {detail::as_select_case(cases)...};
    std::size_t chosen =
        detail::select_one(all, count, waits, detail::until_after(std::min({detail::limit_of(cases)...})));
    if (chosen == detail::no_case)
        chosen = static_cast<std::size_t>(std::ranges::find(waits ? is_timeout : is_otherwise, true) -
                                          (waits ? is_timeout : is_otherwise));

    effects::detail::kept<result> value;
    std::size_t at = 0;
    auto finish = [&](auto& one) {
        if (at++ == chosen) value.take_from([&]() -> result { return one.finish(); });
    };
    (finish(cases), ...);
    return value.take();
}

/// What `receive_any` gives: an item, and the place of the channel that it is from.
template <class T>
struct received {
    std::size_t index;
    T item;
};

namespace detail {

template <class C>
auto& channel_of(C&& c) noexcept {
    if constexpr (requires { c.receive(); })
        return c;
    else
        return *c;
}
template <class R>
using item_of = typename decltype(channel_of(std::declval<std::ranges::range_reference_t<R>>()).receive())::value_type;

struct takes_item {
    template <class T>
    T operator()(T&& item) const {
        return std::move(item);
    }
};

} // namespace detail

/// Receives from whichever of the channels (or pointers to them) has an item first; empty once all are closed and have no more. Fair, and
/// cancelled, as `select`.
///
///     while (auto got = async::receive_any(inboxes)) answer(got->index, got->item);
template <std::ranges::forward_range R>
    requires requires { typename detail::item_of<R>; }
auto receive_any(R&& channels) -> std::optional<received<detail::item_of<R>>> {
    using item = detail::item_of<R>;
    using one = detail::receive_case<item, detail::takes_item>;
    for (;;) {
        std::deque<one> cases;
        std::vector<detail::select_case*> all;
        for (auto&& c : channels) {
            auto& from = detail::channel_of(c);
            if (from.closed() && from.size() == 0) {
                all.push_back(nullptr);
                continue;
            }
            all.push_back(&cases.emplace_back(from, detail::takes_item{}));
        }
        if (cases.empty()) {
            detail::suspension_point("select");
            return std::nullopt;
        }
        std::size_t chosen = detail::select_one(all.data(), all.size(), true, never);
        // One that was closed gives nothing: the others go on.
        if (auto got = static_cast<one*>(all[chosen])->take()) return received<item>{chosen, std::move(*got)};
    }
}

} // namespace effects::async
