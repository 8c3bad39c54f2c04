// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <effects/async/all.hpp>

namespace effects::async {

/// `any` had no success: `errors()` has what each of its functions threw, in their order; `what()` lists them. `code()` is
/// the first one's, where that was an `effects::error`. Transient where one of them is: its function may have success the next time.
class all_failed : public error {
public:
    explicit all_failed(std::vector<std::exception_ptr> errors);
    bool transient() const noexcept override;
    std::vector<std::exception_ptr> const& errors() const noexcept { return errors_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    std::vector<std::exception_ptr> errors_;
};

namespace detail {

template <class First, class... Rest>
inline constexpr bool same_types = (... && std::is_same_v<First, Rest>);

template <class First, class... Rest>
struct race_answer {
    using type = std::conditional_t<same_types<First, Rest...>, First, std::variant<First, Rest...>>;
};

// Of functions with one result, that; else a variant whose `index()` is the winner's place.
template <class... Fs>
using race_result = typename race_answer<or_unit<job_result<Fs>>...>::type;

template <class Answer>
struct race_state {
    effects::detail::kept<Answer> value;
    std::vector<std::exception_ptr> errors; // of `any`, by place
    std::exception_ptr error;
    bool decided = false;

    // Runs `f` as one of the runners; `any` gives: an error does not decide.
    template <class F>
    void run(group& g, bool any, std::size_t place, F&& f) {
        effects::detail::kept<Answer> own;
        std::exception_ptr failed = error_of([&] { own.take_from(std::forward<F>(f)); });
        if (decided) return;
        if (failed && any) {
            errors[place] = std::move(failed);
            return;
        }
        decided = true;
        g.cancel(reason::lost_race);
        if (failed)
            error = std::move(failed);
        else
            value.take_from([&] { return own.take(); });
    }

    Answer finish() {
        if (error) std::rethrow_exception(std::move(error));
        if (!decided) throw all_failed(std::move(errors));
        return value.take();
    }
};

template <class... Fs>
race_result<Fs...> race_of(bool any, Fs&... fs) {
    using answer = race_result<Fs...>;
    race_state<answer> state;
    if (any) state.errors.resize(sizeof...(Fs));
    task_group([&](group& g) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            auto start = [&]<std::size_t At>(std::integral_constant<std::size_t, At>, auto& f) {
                if (state.decided) return;
                detail::fork(g, [&state, &g, &f, any] {
                    state.run(g, any, At, [&]() -> answer {
                        if constexpr (same_types<or_unit<job_result<Fs>>...>)
                            return call_or_unit(f);
                        else
                            return answer(std::in_place_index<At>, call_or_unit(f));
                    });
                });
            };
            (start(std::integral_constant<std::size_t, I>{}, fs), ...);
        }
        (std::index_sequence_for<Fs...>{});
    });
    return state.finish();
}

[[noreturn]] void throw_nobody_to_race();

template <class R>
auto race_of_range(bool any, R& jobs) {
    using result = job_result<std::ranges::range_reference_t<R>>;
    static_assert(std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>,
                  "the range's functions must lie in it");
    race_state<or_unit<result>> state;
    std::size_t count = 0;
    task_group([&](group& g) {
        for (auto& f : jobs) {
            if (state.decided) return;
            if (any) state.errors.emplace_back();
            detail::fork(
                g, [&state, &g, &f, any, place = count] { state.run(g, any, place, [&] { return call_or_unit(f); }); });
            ++count;
        }
    });
    if (count == 0) throw_nobody_to_race();
    return state.finish();
}

} // namespace detail

/// Runs functions beside each other; the first to end wins, by its value or by its exception, and the others are cancelled and
/// waited for. They start in order: those after one that ends at once don't start.
///
///     auto page = async::race([] { return fetch(mirror_a); }, [] { return fetch(mirror_b); });
///
/// Functions with one result type give it (voids: `unit`); with different ones a `std::variant` whose `index()` says who won.
/// What losers throw while they are cancelled is dropped. Cancelling the caller cancels them all, and is thrown when they have ended.
template <job... Fs>
    requires(sizeof...(Fs) > 0)
auto race(Fs&&... fs) { return detail::race_of(false, fs...); }
/// The same for a range of functions; an empty one is a `std::invalid_argument`.
template <job_range R>
auto race(R&& jobs) {
    return detail::race_of_range(false, jobs);
}

/// Runs functions beside each other; the first that succeeds wins, and the others are cancelled and waited for. Throws
/// `all_failed` when none does. Results, and cancellation, as with `race`.
template <job... Fs>
    requires(sizeof...(Fs) > 0)
auto any(Fs&&... fs) { return detail::race_of(true, fs...); }
/// The same for a range of functions; an empty one is a `std::invalid_argument`.
template <job_range R>
auto any(R&& jobs) {
    return detail::race_of_range(true, jobs);
}

} // namespace effects::async
