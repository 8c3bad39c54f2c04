// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include <effects/async/all.hpp>
#include <effects/async/channel.hpp>
#include <effects/async/map.hpp>
#include <effects/async/semaphore.hpp>
#include <effects/async/shield.hpp>
#include <effects/async/sleep.hpp>

namespace effects::async {

/// What `as_completed` yields: a result, and the place of what gave it.
template <class T>
struct completed {
    std::size_t index;
    T value;
};

namespace detail {

// The tasks of an `as_completed`, beside the code that loops over it.
class completions {
public:
    completions(completions const&) = delete;
    completions& operator=(completions const&) = delete;

protected:
    explicit completions(std::size_t limit);
    ~completions() = default;
    void begin(); // throws at the second time
    // Waits for what is `ready` to be more, or for all to end; false at the end, throws what failed.
    bool wait_for_more();
    void break_off() noexcept;
    bool failed() const noexcept { return tasks_.error_ != nullptr; }

    semaphore room_;
    group tasks_{group::aside{}};

private:
    bool begun_ = false;
    bool over_ = false;
};

// A range of `R`, an lvalue reference where it is the caller's; `Gives` makes what is yielded of a call.
template <class R, class F, class Gives>
class [[nodiscard]] completion_range : completions {
    using result = std::invoke_result_t<std::remove_reference_t<F>&, element_reference<std::remove_reference_t<R>>>;
    using value = typename Gives::template value<result>;
    struct item {
        completed<value> what;
        permit held; // given back when the next one is asked for: so no more lie here than the limit says
    };

public:
    completion_range(R&& range, map_options how, F&& f)
        : completions(how.limit), range_(std::forward<R>(range)), f_(std::forward<F>(f)) {}
    ~completion_range() { break_off(); }

    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = completed<value>;
        using difference_type = std::ptrdiff_t;
        using reference = completed<value>&;

        iterator() = default;
        explicit iterator(completion_range& from) : from_(&from) { from.next(); }
        iterator(iterator&&) = default;
        iterator& operator=(iterator&&) = default;
        completed<value>& operator*() const noexcept { return from_->ready_.front().what; }
        completed<value>* operator->() const noexcept { return std::addressof(**this); }
        iterator& operator++() {
            from_->ready_.pop_front();
            from_->next();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const noexcept { return from_->ready_.empty(); }

    private:
        completion_range* from_ = nullptr;
    };

    iterator begin() {
        completions::begin();
        fork(tasks_, [this] { start_all(); });
        return iterator(*this);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    void next() {
        suspension_point("as_completed");
        while (ready_.empty() && wait_for_more()) {
        }
    }

    void start_all() {
        std::size_t index = 0;
        each_with_room(range_, room_, [&](auto const& it, permit&& mine) {
            if constexpr (std::ranges::forward_range<R>)
                fork(tasks_, [this, index, it, held = std::move(mine)]() mutable { run(index, *it, held); });
            else
                fork(tasks_, [this, index, element = std::ranges::range_value_t<R>(*it),
                              held = std::move(mine)]() mutable { run(index, element, held); });
            ++index;
        });
    }

    template <class E>
    void run(std::size_t index, E&& element, permit& held) {
        auto got = Gives::template of<result>([&]() -> result { return f_(std::forward<E>(element)); });
        if (!failed()) ready_.push_back({{index, got.take()}, std::move(held)});
    }

    R range_;
    F f_;
    std::deque<item> ready_; // the first one is the one that the iterator points at
};

struct gives_values {
    template <class Result>
    using value = or_unit<Result>;
    template <class Result, class F>
    static auto of(F&& f) {
        effects::detail::kept<or_unit<Result>> got;
        got.take_from([&]() -> or_unit<Result> { return call_or_unit(f); });
        return got;
    }
};

struct gives_outcomes {
    template <class Result>
    using value = outcome<Result>;
    template <class Result, class F>
    static auto of(F&& f) {
        effects::detail::kept<outcome<Result>> got;
        if (auto error = error_of([&] { got.take_from([&] { return outcome<Result>(call_or_unit(f)); }); })) {
            effects::detail::mark_shared(error, effects::detail::sharing::by_tasks);
            got.take_from([&] { return outcome<Result>(std::move(error)); });
        }
        return got;
    }
};

struct calls_job {
    template <class F>
    decltype(auto) operator()(F&& f) const {
        return f();
    }
};

// Of a task that runs anyway: it is cancelled and joined with who waits for it here.
struct gets_task {
    template <class T>
    T operator()(task<T>& t) const {
        try {
            return t.get();
        } catch (cancelled const& c) {
            if (being_cancelled()) {
                t.cancel(c.why());
                shield([&] { t.wait(); });
            }
            throw;
        }
    }
};

template <class T>
inline constexpr bool is_task_handle = false;
template <class T>
inline constexpr bool is_task_handle<task<T>> = true;

template <class R>
concept task_range = std::ranges::input_range<R> && std::is_lvalue_reference_v<std::ranges::range_reference_t<R>> &&
    is_task_handle<std::remove_reference_t<std::ranges::range_reference_t<R>>>;

} // namespace detail

/// Calls `f` with each element, so many at a time as `limit` says, each in a task of its own, and yields the results in the order in which they
/// come, each with its element's place.
///
///     for (auto& [i, page] : async::as_completed(urls, {.limit = 8}, fetch))
///         if (show(urls[i], page)) break;              // cancels and joins the others
///
/// A result counts in `limit` until the loop asks for the next one, so a slow loop slows the calls. The first exception cancels the others,
/// and leaves the loop in its turn, when they have ended (an `effects::error` then says what else failed). Leaving the loop in any way
/// cancels (`reason::group_ended`) and joins what still runs. Cancelling the caller cancels the calls, and is thrown where the loop
/// goes on.
///
/// `f` and the range are used by reference where they are lvalues. The object stays where it was made, in one task, and is looped over once.
template <std::ranges::input_range R, class F>
    requires std::is_invocable_v < std::remove_reference_t<F>
&, detail::element_reference < std::remove_reference_t < R >>> auto as_completed(R&& range, map_options how, F&& f) {
    return detail::completion_range<R, F, detail::gives_values>(std::forward<R>(range), how, std::forward<F>(f));
}
/// The same for functions, all beside each other unless a limit is given.
///
///     for (auto& [i, answer] : async::as_completed(jobs)) …
template <job_range R>
auto as_completed(R&& jobs, map_options how = {.limit = unbounded}) {
    return detail::completion_range<R, detail::calls_job, detail::gives_values>(std::forward<R>(jobs), how, {});
}
/// The same for tasks that run already: leaving the loop cancels and joins those that have not ended.
template <detail::task_range R>
auto as_completed(R&& tasks) {
    return detail::completion_range<R, detail::gets_task, detail::gives_values>(std::forward<R>(tasks),
                                                                                {.limit = unbounded}, {});
}

/// As `as_completed`, but a failure is yielded as others are, as an `outcome`, and cancels nobody.
///
///     for (auto& [i, page] : async::as_completed_outcomes(urls, {.limit = 8}, fetch))
///         if (page) show(page.value()); else note(urls[i], page.error());
template <std::ranges::input_range R, class F>
    requires std::is_invocable_v < std::remove_reference_t<F>
&, detail::element_reference < std::remove_reference_t < R >>>
       auto as_completed_outcomes(R&& range, map_options how, F&& f) {
    return detail::completion_range<R, F, detail::gives_outcomes>(std::forward<R>(range), how, std::forward<F>(f));
}
template <job_range R>
auto as_completed_outcomes(R&& jobs, map_options how = {.limit = unbounded}) {
    return detail::completion_range<R, detail::calls_job, detail::gives_outcomes>(std::forward<R>(jobs), how, {});
}
template <detail::task_range R>
auto as_completed_outcomes(R&& tasks) {
    return detail::completion_range<R, detail::gets_task, detail::gives_outcomes>(std::forward<R>(tasks),
                                                                                  {.limit = unbounded}, {});
}

} // namespace effects::async
