// SPDX-License-Identifier: BSL-1.0
#include <effects/async/bulkhead.hpp>

#include <stdexcept>

#include <effects/async/detail/task_base.hpp>

#include "told.hpp"

namespace effects::async {

bulkhead_full::bulkhead_full(std::string bulkhead, std::string message)
    : error(std::make_error_code(std::errc::resource_unavailable_try_again), std::move(message)),
      bulkhead_(std::move(bulkhead)) {}

bulkhead::bulkhead(bulkhead_options how) : how_(std::move(how)) {
    if (how_.limit == 0) throw std::invalid_argument("async::bulkhead: a limit of 0 would let nobody in");
}

void bulkhead::refuse(char const* what, std::string const& why) const {
    std::string text = how_.name.empty() ? "bulkhead" : "bulkhead \"" + how_.name + "\"";
    throw bulkhead_full(how_.name,
                        text + what + std::to_string(running_) + (running_ == 1 ? " call runs" : " calls run") + why);
}

bulkhead::slot bulkhead::try_acquire() noexcept {
    std::lock_guard lock(mutex_);
    if (running_ >= how_.limit) return {};
    ++running_;
    return slot(this);
}

// Places are handed over, in the order of the line: while somebody waits, none is free.
bulkhead::slot bulkhead::acquire() {
    detail::suspension_point("bulkhead::acquire");
    if (slot now = try_acquire()) return now;
    std::unique_lock lock(mutex_);
    if (running_ < how_.limit) { // given back by another thread in between
        ++running_;
        return slot(this);
    }
    if (waiting_.size() >= how_.max_waiting)
        refuse(" is full: ", how_.max_waiting == 0
                                 ? ", the most that may"
                                 : ", and " + std::to_string(waiting_.size()) + " wait, the most that may");

    detail::line::place mine("bulkhead::acquire", this);
    time_point const until = how_.max_wait == duration::max() ? never : after(now(), how_.max_wait);
    bool called = false;
    waiting_.push_back(mine);
    try {
        called = waiting_.wait(lock, mine, until);
    } catch (...) {
        waiting_.remove(mine);
        throw;
    }
    if (called) return slot(this);
    waiting_.remove(mine);
    refuse((" has no place within " + told(how_.max_wait) + ": ").c_str(),
           ", and " + std::to_string(waiting_.size()) + " more wait");
}

void bulkhead::give_back() noexcept {
    std::lock_guard lock(mutex_);
    if (detail::line::place* next = waiting_.front()) {
        waiting_.remove(*next);
        detail::line::call(*next);
    } else {
        --running_;
    }
}

std::size_t bulkhead::running() const noexcept {
    std::lock_guard lock(mutex_);
    return running_;
}

std::size_t bulkhead::waiting() const noexcept {
    std::lock_guard lock(mutex_);
    return waiting_.size();
}

} // namespace effects::async
