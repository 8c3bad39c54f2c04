// SPDX-License-Identifier: BSL-1.0
#include <effects/async/retry_budget.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace effects::async {

namespace {

constexpr std::uint64_t one = 1'000'000;

} // namespace

retry_budget::retry_budget(retry_budget_options how) {
    if (how.tokens == 0 || how.tokens > 1'000'000)
        throw std::invalid_argument("async::retry_budget: tokens is 1 to 1000000; for no retries say attempts = 1");
    if (!(how.per_success >= 0 && how.per_success <= 1000))
        throw std::invalid_argument("async::retry_budget: per_success is 0 to 1000 tokens");
    most_ = left_ = how.tokens * one;
    per_success_ = static_cast<std::uint64_t>(std::llround(how.per_success * static_cast<double>(one)));
}

bool retry_budget::try_take() noexcept {
    std::lock_guard lock(mutex_);
    if (left_ < one) return false;
    left_ -= one;
    return true;
}

void retry_budget::give_back() noexcept {
    std::lock_guard lock(mutex_);
    left_ = std::min(most_, left_ + one);
}

void retry_budget::succeeded() noexcept {
    std::lock_guard lock(mutex_);
    left_ = std::min(most_, left_ + per_success_);
}

std::size_t retry_budget::available() const noexcept {
    std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(left_ / one);
}

} // namespace effects::async
