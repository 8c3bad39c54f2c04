// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <exception>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/async/group.hpp>
#include <effects/async/outcome.hpp>
#include <effects/async/outcome_predicate.hpp>
#include <effects/async/retry_budget.hpp>
#include <effects/async/time.hpp>

namespace effects::async {

/// How `hedge` goes about it.
struct hedge_options {
    duration delay =
        std::chrono::milliseconds(100); ///< from one attempt to the next: about what all but the slowest calls take
    int attempts = 2;                   ///< in all, the first included
    /// What does not decide: the other attempts go on, and the next one starts at once. Anything else, exception or result, is what `hedge` gives.
    outcome_predicate when = any_exception;
    /// Further attempts take their tokens here; shared with other calls, and outlives them. Null: none is asked.
    retry_budget* budget = nullptr;
};

namespace detail {

// One `hedge` in progress.
class hedge_in_progress {
public:
    explicit hedge_in_progress(hedge_options const& how);
    hedge_in_progress(hedge_in_progress const&) = delete;
    hedge_in_progress& operator=(hedge_in_progress const&) = delete;

    // For the group's body: waits until the next attempt is to start; false: there is none.
    bool another();
    int started() const noexcept { return started_; }
    bool decided() const noexcept { return decided_; }
    hedge_options const& how() const noexcept { return how_; }
    // For attempts that ended, of which the first to decide cancels the others.
    void passed_over(std::exception_ptr error); // null: a result
    void decide(group& g, std::exception_ptr error) noexcept;
    // Throws the error that decided, or that came first where none did, with what the others threw; nothing where a result is given.
    void throw_error(bool has_value) const;

private:
    hedge_options const& how_;
    int started_ = 0;
    int passed_over_ = 0;
    int replaced_ = 0; // of these, by an attempt that did not wait
    bool decided_ = false;
    std::exception_ptr error_;
    std::vector<std::exception_ptr> errors_; // that did not decide
    waiter* starter_ = nullptr;
};

} // namespace detail

/// Calls `f`; where it has not ended after `delay`, a second time beside the first, and so on. The first to succeed wins, and the others are
/// cancelled and waited for. For calls that may happen twice, and are sometimes slow for no good reason.
///
///     auto page = async::hedge({.delay = 50ms}, [&] { return fetch(url); });
///
/// `f` may take the attempt's number, from 1, and is called by several tasks at once. An attempt that fails before the next one was due has it
/// started at once. Where all fail, the first error is thrown, with what else failed: "refused (and 1 more failed: connection lost)"; a result that
/// `when` passes over is given only where nothing better came. `attempts` below 1 is a `std::invalid_argument`, and so is a `when` that
/// looks at values of another type than `f`'s. Cancelling the caller cancels all attempts, and is thrown when they have ended; the budget's tokens stay taken.
template <class F>
    requires(std::is_invocable_v<F&> || std::is_invocable_v<F&, int>)
decltype(auto) hedge(hedge_options const& how, F&& f) {
    auto call = [&f](int number) -> decltype(auto) {
        if constexpr (std::is_invocable_v<F&, int>)
            return f(number);
        else
            return static_cast<void>(number), f();
    };
    using result = decltype(call(1));
    detail::hedge_in_progress state(how);
    how.when.check_result<std::decay_t<result>>("async::hedge");
    detail::held_result<result> value;
    task_group([&](group& g) {
        while (state.another())
            detail::fork(g, [&, number = state.started()] {
                detail::held_result<result> mine;
                auto error = detail::error_of([&] { mine.take_from([&]() -> result { return call(number); }); });
                if (state.decided()) return;
                bool passed = error ? how.when.error(error) : mine.picked_by(how.when);
                if (mine) value.take_from([&]() -> result { return mine.take(); });
                if (passed)
                    state.passed_over(std::move(error));
                else
                    state.decide(g, std::move(error));
            });
    });
    state.throw_error(static_cast<bool>(value));
    return value.take();
}

/// `hedge` as a policy, for `guarding` and `policies`. What must not happen twice is left out:
///
///     auto reads = [](http::request const& r) { return r.method == "GET"; };
///     effects::handle(body, async::guarding_if<http::request>(reads, async::hedging({.delay = 50ms})), http::client{});
class hedging {
public:
    explicit hedging(hedge_options how = {});

    template <class F>
    decltype(auto) run(F&& f) const {
        return hedge(how_, std::forward<F>(f));
    }

private:
    hedge_options how_;
};

} // namespace effects::async
