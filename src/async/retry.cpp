// SPDX-License-Identifier: BSL-1.0
#include <effects/async/retry.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <effects/async/detail/scheduler.hpp>
#include <effects/async/sleep.hpp>
#include <effects/async/timeout.hpp>
#include <effects/perform.hpp>

namespace effects::async {

namespace {

// splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t mixed(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

} // namespace

double draw_jitter::default_answer(draw_jitter const&) {
    detail::task_base* task = detail::current_task_or_null();
    if (!task) return 0.5;
    std::uint64_t state = mixed(task->place(task->home->jitter_seed()) + 0x9e3779b97f4a7c15u * ++task->draws);
    return static_cast<double>(state >> 11) * 0x1.0p-53;
}

backoff backoff::jitter(double share) const noexcept {
    backoff other = *this;
    other.jitter_ = std::clamp(share, 0.0, 1.0);
    return other;
}

backoff backoff::with_cap(duration most) const noexcept {
    backoff other = *this;
    other.cap_ = most;
    return other;
}

backoff backoff::factor(double f) const noexcept {
    backoff other = *this;
    other.factor_ = f;
    return other;
}

duration backoff::after_attempt(int failed) const noexcept {
    double ns = static_cast<double>(first_.count()) * std::pow(factor_, std::max(failed, 1) - 1);
    if (!(ns > 0)) return duration::zero();
    return ns < static_cast<double>(cap_.count()) ? duration(static_cast<duration::rep>(ns))
                                                  : std::max(cap_, duration::zero());
}

duration backoff::draw(int failed) const {
    duration whole = after_attempt(failed);
    if (jitter_ <= 0 || whole == duration::zero()) return whole;
    double ns = static_cast<double>(whole.count()) * (1.0 - jitter_ * perform(draw_jitter{}));
    if (!(ns > 0)) return duration::zero();
    return ns < static_cast<double>(whole.count()) ? duration(static_cast<duration::rep>(ns))
                                                   : whole; // the longest one rounds up
}

namespace {

void check(retry_options const& how) {
    if (how.attempts < 1) throw std::invalid_argument("async::retry needs one attempt at least");
}

} // namespace

retrying::retrying(retry_options how) : how_(std::move(how)) { check(how_); }

detail::attempts::attempts(retry_options const& how) : how_(how) { check(how_); }

bool detail::attempts::next_after_error(std::exception_ptr const& e) {
    std::optional<duration> asked;
    try {
        std::rethrow_exception(e);
    } catch (effects::error const& known) {
        asked = known.retry_after();
    } catch (...) { // asks for nothing
    }
    return next(asked);
}

bool detail::attempts::next(std::optional<duration> asked) {
    if (number_ >= how_.attempts) return false;
    duration wait = how_.backoff.draw(number_);
    if (asked) wait = std::max(wait, std::min(*asked, how_.max_retry_after));
    if (after(now(), wait) >= deadline() && deadline() != never) {
        hindered_by_ = "no time for another";
        return false;
    }
    if (how_.budget && !how_.budget->try_take()) { // asked last: a token is for an attempt that there will be
        hindered_by_ = "no retry budget for another";
        return false;
    }
    try {
        sleep_for(wait);
    } catch (...) { // cancelled: there was no attempt
        if (how_.budget) how_.budget->give_back();
        throw;
    }
    ++number_;
    return true;
}

void detail::attempts::give_up(std::exception_ptr e, bool again) const {
    if (number_ == 1 && !hindered_by_) std::rethrow_exception(std::move(e));
    try {
        std::rethrow_exception(std::move(e));
    } catch (effects::error& known) {
        std::string text = again ? "retrying, after " : "retrying, in attempt ";
        text += std::to_string(number_);
        if (again) text += number_ == 1 ? " attempt" : " attempts";
        if (hindered_by_) text.append(" (").append(hindered_by_).append(")");
        effects::detail::rethrow_with_context(known, text);
    }
}

} // namespace effects::async
