// SPDX-License-Identifier: BSL-1.0
#include <effects/async/rate_limiter.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <effects/async/detail/task_base.hpp>
#include <effects/async/timeout.hpp>

#include "told.hpp"

namespace effects::async {

namespace {

// Instants in `permits`ths of a nanosecond, of which a permit is worth `per.count()`: nothing is rounded, at whatever rate.
__extension__ typedef __int128 wide;

constexpr std::size_t most_permits = 1'000'000'000; // with them a `wide` is wide enough
constexpr duration longest_to_fill = std::chrono::hours(24 * 365 * 30);

wide fine(time_point at, std::size_t permits) {
    return wide{at.time_since_epoch().count()} * static_cast<wide>(permits);
}

} // namespace

rate_limited::rate_limited(std::string limiter, std::string message, std::optional<duration> retry_after)
    : error(std::make_error_code(std::errc::resource_unavailable_try_again), std::move(message)),
      limiter_(std::move(limiter)), retry_after_(retry_after) {}

rate_limiter::rate_limiter(rate_limit how) : how_(std::move(how)) {
    if (how_.permits == 0 || how_.permits > most_permits)
        throw std::invalid_argument("async::rate_limiter: permits is one to a billion");
    if (how_.per <= duration::zero()) throw std::invalid_argument("async::rate_limiter: per is above zero");
    if (how_.burst == 0) how_.burst = how_.permits;
    if (how_.burst > most_permits || wide{how_.per.count()} * static_cast<wide>(how_.burst) >
                                         wide{longest_to_fill.count()} * static_cast<wide>(how_.permits))
        throw std::invalid_argument("async::rate_limiter: burst is a billion, and 30 years' permits, at most");
}

// When `count` more permits, after all that were taken, may be taken.
time_point rate_limiter::earliest(time_point at, std::size_t count) const noexcept {
    wide const now = fine(at, how_.permits);
    wide const full = std::max(fine(full_at_, how_.permits) + part_, now);
    wide const then = full + wide{how_.per.count()} * (static_cast<wide>(count) - static_cast<wide>(how_.burst));
    if (then <= now) return at;
    wide const unit = static_cast<wide>(how_.permits);
    wide const instant = (then + unit - 1) / unit;
    if (instant >= never.time_since_epoch().count()) return never;
    return time_point(duration(static_cast<duration::rep>(instant)));
}

bool rate_limiter::take(time_point at, std::size_t count) noexcept {
    if (earliest(at, count) > at) return false;
    wide const full = std::max(fine(full_at_, how_.permits) + part_, fine(at, how_.permits)) +
                      wide{how_.per.count()} * static_cast<wide>(count);
    wide const unit = static_cast<wide>(how_.permits);
    full_at_ = time_point(duration(static_cast<duration::rep>(full / unit)));
    part_ = static_cast<std::int64_t>(full % unit);
    return true;
}

void rate_limiter::check(std::size_t count) const {
    if (count > how_.burst)
        throw std::logic_error("rate_limiter::acquire of " + std::to_string(count) +
                               " permits would wait for ever: there are " + std::to_string(how_.burst) +
                               " at once, as its `burst` says");
}

void rate_limiter::refuse(time_point at, time_point permit, std::string why) const {
    std::string text = how_.name.empty() ? "rate limit" : "rate limit \"" + how_.name + "\"";
    text += " (" + std::to_string(how_.permits) + " in " + told(how_.per) + "): ";
    std::optional<duration> wait;
    if (permit != never) wait = permit - at;
    text += wait ? "a permit in " + told(*wait) : std::string("no permit");
    throw rate_limited(how_.name, text + ", " + why, wait);
}

bool rate_limiter::try_acquire(std::size_t count) {
    check(count);
    std::lock_guard lock(mutex_);
    return waiting_.empty() && take(now(), count);
}

void rate_limiter::acquire(std::size_t count) {
    check(count);
    detail::suspension_point("rate_limiter::acquire");
    std::unique_lock lock(mutex_);
    time_point const begun = now();
    if (waiting_.empty() && take(begun, count)) return;

    time_point const permit = earliest(begun, wanted_ + count);
    if (waiting_.size() >= how_.max_waiting)
        refuse(begun, permit,
               how_.max_waiting == 0 ? "and nobody may wait for it"
                                     : "and " + std::to_string(waiting_.size()) + " wait already, the most that may");
    if (permit > after(begun, how_.max_wait)) refuse(begun, permit, "longer than " + told(how_.max_wait));
    if (time_point latest = deadline(); permit >= latest && latest != never)
        refuse(begun, permit, "after the deadline, which is in " + told(std::max(latest - begun, duration::zero())));

    // Only the first in line has a timer; who leaves the line, in whatever way, tells the next one that it is the first.
    struct waiting_place : detail::line::place {
        waiting_place(rate_limiter& l, std::size_t n) : place("rate_limiter::acquire", &l), of(l), count(n) {
            of.waiting_.push_back(*this);
            of.wanted_ += count;
        }
        ~waiting_place() {
            bool first = of.waiting_.front() == this;
            of.waiting_.remove(*this);
            of.wanted_ -= count;
            if (place* next = first ? of.waiting_.front() : nullptr) detail::line::call(*next);
        }
        rate_limiter& of;
        std::size_t count;
    };
    waiting_place mine(*this, count); // goes before the lock
    if (waiting_.front() != &mine) waiting_.wait(lock, mine);
    for (;;) {
        time_point const at = now();
        if (take(at, count)) return;
        time_point const until = earliest(at, count);
        lock.unlock();
        try {
            detail::waiter("rate_limiter::acquire", this).wait_until(until);
        } catch (...) {
            lock.lock();
            throw;
        }
        lock.lock();
    }
}

std::size_t rate_limiter::available() const {
    std::lock_guard lock(mutex_);
    if (!waiting_.empty()) return 0;
    time_point const at = now();
    wide const missing = std::max<wide>(fine(full_at_, how_.permits) + part_ - fine(at, how_.permits), 0);
    wide const worth = how_.per.count();
    wide const lacking = (missing + worth - 1) / worth;
    return lacking >= static_cast<wide>(how_.burst) ? 0 : how_.burst - static_cast<std::size_t>(lacking);
}

std::size_t rate_limiter::waiting() const noexcept {
    std::lock_guard lock(mutex_);
    return waiting_.size();
}

} // namespace effects::async
