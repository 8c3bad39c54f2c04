// SPDX-License-Identifier: BSL-1.0
#include <effects/async/hedge.hpp>

#include <stdexcept>
#include <string>

#include <effects/async/detail/waiter.hpp>

#include "told.hpp"

namespace effects::async {

namespace {

void check(hedge_options const& how) {
    if (how.attempts < 1) throw std::invalid_argument("async::hedge needs one attempt at least");
}

} // namespace

hedging::hedging(hedge_options how) : how_(std::move(how)) { check(how_); }

detail::hedge_in_progress::hedge_in_progress(hedge_options const& how) : how_(how) { check(how_); }

bool detail::hedge_in_progress::another() {
    if (started_ > 0) {
        if (decided_ || started_ == how_.attempts) return false;
        if (replaced_ == passed_over_) {
            waiter next("hedge", this);
            struct listening {
                waiter*& starter;
                ~listening() { starter = nullptr; }
            } guard{starter_};
            starter_ = &next;
            next.wait_until(after(now(), how_.delay));
        }
        if (decided_) return false;
        if (replaced_ < passed_over_) ++replaced_;
        if (how_.budget && !how_.budget->try_take()) return false;
    }
    ++started_;
    return true;
}

void detail::hedge_in_progress::passed_over(std::exception_ptr error) {
    if (error) errors_.push_back(std::move(error));
    ++passed_over_;
    if (starter_) starter_->wake();
}

void detail::hedge_in_progress::decide(group& g, std::exception_ptr error) noexcept {
    decided_ = true;
    error_ = std::move(error);
    if (!error_ && how_.budget) how_.budget->succeeded();
    if (starter_) starter_->wake(); // before the cancellation, which would be the body's too
    g.cancel(reason::lost_race);
}

void detail::hedge_in_progress::throw_error(bool has_value) const {
    if (decided_ ? !error_ : has_value) return;
    // Where none decided, the first of them leads the list.
    std::exception_ptr const& first = decided_ ? error_ : errors_.front();
    std::string others;
    std::size_t const begin = decided_ ? 0 : 1;
    std::size_t const count = errors_.size() - begin;
    for (std::size_t i = begin; i < errors_.size(); ++i) others.append(i > begin ? "; " : "").append(told(errors_[i]));
    if (count == 0) std::rethrow_exception(first);
    try {
        std::rethrow_exception(first);
    } catch (effects::error& e) { // what is none can't be told more
        effects::detail::rethrow_with_note(e, "and " + std::to_string(count) + " more failed: " + others);
    }
}

} // namespace effects::async
