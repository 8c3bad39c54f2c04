// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <iosfwd>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <effects/async/backoff.hpp>
#include <effects/async/outcome.hpp>
#include <effects/async/outcome_predicate.hpp>
#include <effects/async/time.hpp>
#include <effects/error.hpp>

namespace effects::async {

enum class circuit_state {
    closed,    ///< calls pass
    open,      ///< calls are refused
    half_open, ///< a few calls pass, to see how they end
};

std::string_view to_string(circuit_state s) noexcept;
std::ostream& operator<<(std::ostream&, circuit_state);

/// A `circuit_breaker` went from one state to another.
struct circuit_change {
    std::string circuit; ///< its name
    circuit_state from;
    circuit_state to;
    time_point at;
    std::string why; ///< "5 failures in a row, the last one: connection refused"
};

/// When a `circuit_breaker` opens, for how long, and what it takes to close again.
struct circuit_breaker_options {
    std::string name = {}; ///< in errors and in `on_change`

    /// So many failures with no success between them open it; 0: they are not counted.
    int failures_in_a_row = 5;
    /// It opens as well when such a share of the last `window` calls failed, 0.5 for half of them; 0: that is not looked at. Calls that
    /// ended longer than `window_time` ago don't count, and fewer than `minimum_calls` say nothing.
    double failure_rate = 0;
    std::size_t window = 100;
    std::size_t minimum_calls = 10;
    duration window_time = duration::max();

    /// From opening to the first trial. One that grows, `exponential(5s).cap(5min)`, does so with each trial that fails.
    backoff open_for = std::chrono::seconds(30);
    /// So many calls pass after that, beside each other if they come so: all must succeed to close it, and the first failure opens it.
    int trials = 1;

    /// What counts as a failure. Business exceptions that say nothing about the service's health don't belong here; answers may:
    /// `{async::is_transient, [](http::response const& r) { return r.status >= 500; }}`.
    outcome_predicate failure = any_exception;
    /// A call that took so long counts as a failure whatever it gave.
    duration slow_call = duration::max();

    /// Called after each change, in the task of the call that made it; performs and suspends as it likes. What it throws leaves that call.
    std::function<void(circuit_change const&)> on_change = {};
};

/// Thrown instead of making the call: the breaker is open, or busy with trials. Transient; `retry_after()` is the time to the next trial, which
/// `retry` waits for.
///
///     circuit "payments" has been open for 12 s (5 failures in a row, the last one: connection refused); the next trial is in 18 s
class circuit_open : public error {
public:
    circuit_open(std::string circuit, circuit_state state, std::string why, time_point since, duration elapsed,
                 std::optional<duration> next_trial);

    std::string const& circuit() const noexcept { return circuit_; }
    /// `half_open`: as many trials are under way as there may be, and `retry_after()` is empty.
    circuit_state state() const noexcept { return state_; }
    /// Why it opened.
    std::string const& why() const noexcept { return why_; }
    /// When it did.
    time_point since() const noexcept { return since_; }
    bool transient() const noexcept override { return true; }
    std::optional<std::chrono::nanoseconds> retry_after() const noexcept override { return next_trial_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    std::string circuit_;
    circuit_state state_;
    std::string why_;
    time_point since_;
    std::optional<duration> next_trial_;
};

/// Spares a service that fails, and those who would wait for it: after some failures it refuses calls for a while (`circuit_open`), then lets a
/// few pass to see whether things are better.
///
///     async::circuit_breaker payments{{.name = "payments", .failures_in_a_row = 5, .open_for = 30s}};
///     auto receipt = payments.run([&] { return charge(card); });                                       // around any code
///     effects::handle(body, async::guarding<charge_card>(payments), bank_terminal);                    // around an operation
///
/// A call that is cancelled counts neither way, and one cancelled on trial gives its place to another; so a `timeout` belongs inside `run`, where it
/// is a failure like others, and not around it. (Without one, a trial that never ends keeps all others waiting for its outcome.) Calls that began before the last change of state say nothing when they end.
///
/// Any number of tasks and threads may use one at once: nothing is locked while calls, predicates or `on_change` run. Its time is
/// `async::now()`, so it needs a world around it, and one breaker belongs to one world. It outlives the handlers that borrow it.
class circuit_breaker {
public:
    /// Throws `std::invalid_argument` for options that make no breaker.
    explicit circuit_breaker(circuit_breaker_options how = {});
    circuit_breaker(circuit_breaker const&) = delete;
    circuit_breaker& operator=(circuit_breaker const&) = delete;

    /// Calls `f`, or throws `circuit_open`. Cancelling `f` counts neither way; a trial's place is free again.
    template <class F>
    std::invoke_result_t<F&> run(F&& f) {
        using result = std::invoke_result_t<F&>;
        call mine(*this);
        mine.begin();
        detail::held_result<result> value;
        if (std::exception_ptr error = detail::error_of([&] { value.take_from(f); })) {
            mine.ended(how_.failure.error(error), error);
            std::rethrow_exception(std::move(error));
        }
        mine.ended(value.picked_by(how_.failure), nullptr);
        return value.take();
    }

    std::string const& name() const noexcept { return how_.name; }
    /// As a call would find it now.
    circuit_state state() const;

    /// Opens it, as failures would; opens it anew where it is open.
    void trip(std::string why = "tripped by hand");
    /// Closes it, and forgets all failures.
    void reset();

    static constexpr bool calls_once = true; ///< what it runs; for `guarding`

private:
    // One call that passed.
    class call {
    public:
        explicit call(circuit_breaker& of) noexcept : of_(of) {}
        call(call const&) = delete;
        call& operator=(call const&) = delete;
        ~call() {
            if (passed_) of_.abandoned(*this);
        }
        void begin();
        void ended(bool failed, std::exception_ptr const& error);

    private:
        friend class circuit_breaker;
        circuit_breaker& of_;
        std::uint64_t era_ = 0;
        time_point begun_ = {};
        bool passed_ = false;
        bool on_trial_ = false;
    };
    using change = std::optional<circuit_change>; // made under the mutex, reported without it

    change go_to(circuit_state next, time_point at, std::string why);
    change open(time_point at, std::string why);
    change close(time_point at, std::string why);
    void note(time_point at, bool failed);
    std::string too_many() const; // why it has to open now; empty: it has not
    void abandoned(call const& c) noexcept;
    void report(change const& c) const;
    void add_jitter(std::uint64_t era);

    struct ended_call {
        time_point at;
        bool failed;
    };

    circuit_breaker_options how_;
    std::mutex mutable mutex_;
    circuit_state state_ = circuit_state::closed;
    std::uint64_t era_ = 0; // a number for each stretch between two changes
    // Closed:
    int in_a_row_ = 0;
    std::deque<ended_call> window_;
    std::size_t failed_in_window_ = 0;
    // Open:
    std::string why_;
    time_point since_ = {};
    time_point until_ = {};
    int openings_ = 0; // since it was closed
    // Half-open:
    int running_trials_ = 0;
    int good_trials_ = 0;
};

} // namespace effects::async
