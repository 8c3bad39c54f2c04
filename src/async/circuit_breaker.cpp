// SPDX-License-Identifier: BSL-1.0
#include <effects/async/circuit_breaker.hpp>

#include <algorithm>
#include <ostream>
#include <stdexcept>

#include <effects/async/detail/task_base.hpp>

#include "told.hpp"

namespace effects::async {

std::string_view to_string(circuit_state s) noexcept {
    switch (s) {
    case circuit_state::closed:
        return "closed";
    case circuit_state::open:
        return "open";
    case circuit_state::half_open:
        return "half-open";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, circuit_state s) { return out << to_string(s); }

namespace {

std::string refusal(std::string const& circuit, circuit_state state, std::string const& why, duration elapsed,
                    std::optional<duration> next_trial) {
    std::string text = circuit.empty() ? "circuit" : "circuit \"" + circuit + "\"";
    if (state == circuit_state::half_open)
        return text + " opened " + told(elapsed) + " ago (" + why + "), and the trials it allows are under way";
    text += " has been open for " + told(elapsed) + " (" + why + ")";
    if (next_trial) text += "; the next trial is in " + told(*next_trial);
    return text;
}

std::string share(std::size_t part, std::size_t whole) {
    return std::to_string(part) + " of the last " + std::to_string(whole) + " calls failed";
}

} // namespace

circuit_open::circuit_open(std::string circuit, circuit_state state, std::string why, time_point since,
                           duration elapsed, std::optional<duration> next_trial)
    : error(std::make_error_code(std::errc::resource_unavailable_try_again),
            refusal(circuit, state, why, elapsed, next_trial)),
      circuit_(std::move(circuit)), state_(state), why_(std::move(why)), since_(since), next_trial_(next_trial) {}

circuit_breaker::circuit_breaker(circuit_breaker_options how) : how_(std::move(how)) {
    auto need = [](bool so, char const* what) {
        if (!so) throw std::invalid_argument(std::string("async::circuit_breaker: ") + what);
    };
    need(how_.failures_in_a_row >= 0, "failures_in_a_row is 1 or more, or 0 to count none");
    need(how_.failure_rate >= 0 && how_.failure_rate <= 1, "failure_rate is a share: 0.5 for half of the calls");
    need(how_.failures_in_a_row > 0 || how_.failure_rate > 0,
         "it would never open: set failures_in_a_row or failure_rate");
    need(how_.failure_rate == 0 || (how_.minimum_calls >= 1 && how_.minimum_calls <= how_.window),
         "minimum_calls is 1 to window");
    need(how_.window_time > duration::zero(), "window_time is above zero");
    need(how_.slow_call > duration::zero(), "slow_call is above zero");
    need(how_.trials >= 1, "it needs one trial at least to close again");
}

// ---- a call ----

void circuit_breaker::call::begin() {
    change half_opened;
    {
        std::unique_lock lock(of_.mutex_);
        begun_ = now();
        if (of_.state_ == circuit_state::open && begun_ >= of_.until_) {
            half_opened = of_.go_to(circuit_state::half_open, begun_, "its time is over: calls are tried");
            of_.running_trials_ = of_.good_trials_ = 0;
        }
        on_trial_ = of_.state_ == circuit_state::half_open;
        if (of_.state_ == circuit_state::open ||
            (on_trial_ && of_.running_trials_ + of_.good_trials_ >= of_.how_.trials)) {
            std::optional<duration> next;
            if (!on_trial_ && of_.until_ != never) next = of_.until_ - begun_;
            throw circuit_open(of_.how_.name, of_.state_, of_.why_, of_.since_,
                               std::max(begun_ - of_.since_, duration::zero()), next);
        }
        if (on_trial_) ++of_.running_trials_;
        era_ = of_.era_;
        passed_ = true;
    }
    of_.report(half_opened);
}

void circuit_breaker::call::ended(bool failed, std::exception_ptr const& error) {
    change changed;
    bool opened = false;
    std::uint64_t era = 0;
    {
        std::unique_lock lock(of_.mutex_);
        passed_ = false;
        if (era_ != of_.era_) return;
        time_point at = now();
        bool slow = !failed && at - begun_ >= of_.how_.slow_call;
        failed = failed || slow;
        if (on_trial_) --of_.running_trials_;

        auto last = [&] {
            if (error && !slow) return told(error);
            return slow ? "it took " + told(at - begun_) : std::string("a result that counts as one");
        };
        if (on_trial_) {
            if (failed)
                changed = of_.open(at, "a trial failed: " + last());
            else if (++of_.good_trials_ == of_.how_.trials)
                changed = of_.close(at, of_.how_.trials == 1 ? "the trial succeeded" : "all trials succeeded");
        } else {
            of_.note(at, failed);
            if (std::string why = of_.too_many(); !why.empty())
                changed = of_.open(at, failed ? why + ", the last one: " + last() : why);
        }
        opened = changed && of_.state_ == circuit_state::open;
        era = of_.era_;
    }
    if (opened) of_.add_jitter(era);
    of_.report(changed);
}

void circuit_breaker::abandoned(call const& c) noexcept {
    std::lock_guard lock(mutex_);
    if (c.on_trial_ && c.era_ == era_) --running_trials_;
}

// ---- the states; with the mutex held ----

circuit_breaker::change circuit_breaker::go_to(circuit_state next, time_point at, std::string why) {
    circuit_change made{how_.name, state_, next, at, std::move(why)};
    state_ = next;
    ++era_;
    return made;
}

circuit_breaker::change circuit_breaker::open(time_point at, std::string why) {
    why_ = why;
    since_ = at;
    until_ = after(at, how_.open_for.after_attempt(++openings_));
    return go_to(circuit_state::open, at, std::move(why));
}

circuit_breaker::change circuit_breaker::close(time_point at, std::string why) {
    openings_ = 0;
    in_a_row_ = 0;
    window_.clear();
    failed_in_window_ = 0;
    return go_to(circuit_state::closed, at, std::move(why));
}

void circuit_breaker::note(time_point at, bool failed) {
    in_a_row_ = failed ? in_a_row_ + 1 : 0;
    if (how_.failure_rate == 0) return;
    auto drop_oldest = [&] {
        if (window_.front().failed) --failed_in_window_;
        window_.pop_front();
    };
    while (!window_.empty() && at - window_.front().at > how_.window_time) drop_oldest();
    if (window_.size() == how_.window) drop_oldest();
    window_.push_back({at, failed});
    if (failed) ++failed_in_window_;
}

std::string circuit_breaker::too_many() const {
    if (how_.failures_in_a_row > 0 && in_a_row_ >= how_.failures_in_a_row)
        return in_a_row_ == 1 ? "1 failure" : std::to_string(in_a_row_) + " failures in a row";
    constexpr double rounding = 1e-9; // 30 of 100 are a share of 0.3
    if (how_.failure_rate > 0 && window_.size() >= how_.minimum_calls &&
        static_cast<double>(failed_in_window_) + rounding >= how_.failure_rate * static_cast<double>(window_.size()))
        return share(failed_in_window_, window_.size());
    return {};
}

// ---- without it ----

// Drawn by an operation, which its handler may answer at any length.
void circuit_breaker::add_jitter(std::uint64_t era) {
    int openings = 0;
    {
        std::lock_guard lock(mutex_);
        if (era != era_) return;
        openings = openings_;
    }
    duration wait = how_.open_for.draw(openings);
    std::lock_guard lock(mutex_);
    if (era == era_) until_ = after(since_, wait);
}

void circuit_breaker::report(change const& c) const {
    if (c && how_.on_change) how_.on_change(*c);
}

circuit_state circuit_breaker::state() const {
    std::lock_guard lock(mutex_);
    bool due = state_ == circuit_state::open && detail::current_task_or_null() && now() >= until_;
    return due ? circuit_state::half_open : state_;
}

void circuit_breaker::trip(std::string why) {
    change changed;
    std::uint64_t era = 0;
    {
        std::lock_guard lock(mutex_);
        changed = open(now(), std::move(why));
        era = era_;
    }
    add_jitter(era);
    if (changed->from != circuit_state::open) report(changed);
}

void circuit_breaker::reset() {
    change changed;
    {
        std::lock_guard lock(mutex_);
        changed = close(now(), "reset by hand");
    }
    if (changed->from != circuit_state::closed) report(changed);
}

} // namespace effects::async
