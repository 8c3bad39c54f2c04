// SPDX-License-Identifier: BSL-1.0
#include <effects/async/semaphore.hpp>

#include <stdexcept>
#include <string>

namespace effects::async {

struct semaphore::demand : detail::waiter {
    demand(semaphore& s, std::size_t n) noexcept : waiter("semaphore::acquire", &s), count(n) {}
    std::size_t count;
};

permit::permit(semaphore& from, std::size_t count) noexcept : from_(&from), count_(count), next_(from.taken_) {
    if (detail::task_base const* task = detail::current_task_or_null()) taker_ = task->serial;
    if (next_) next_->previous_ = this;
    from.taken_ = this;
}

permit semaphore::acquire(std::size_t count) {
    if (count > total_)
        throw std::logic_error("semaphore::acquire of " + std::to_string(count) +
                               " permits would wait for ever: there are " + std::to_string(total_));
    detail::suspension_point("semaphore::acquire");
    if (permit now = try_acquire(count)) return now;
    demand d(*this, count);
    waiting_.push_back(d);
    try {
        d.wait();
    } catch (...) {
        d.unlink();
        serve(); // those behind a large demand may go now
        throw;
    }
    return permit(*this, count);
}

permit semaphore::try_acquire(std::size_t count) noexcept {
    if (!waiting_.empty() || count > free_) return {};
    free_ -= count;
    return permit(*this, count);
}

void semaphore::give_back(std::size_t count) noexcept {
    free_ += count;
    serve();
}

void semaphore::serve() noexcept {
    while (detail::waiter* first = waiting_.front()) {
        auto& d = static_cast<demand&>(*first);
        if (d.count > free_) return;
        free_ -= d.count;
        d.wake();
    }
}

} // namespace effects::async
