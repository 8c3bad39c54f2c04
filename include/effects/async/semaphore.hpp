// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <effects/async/detail/waiter.hpp>

namespace effects::async {

namespace detail {
class task_report;
}

class semaphore;

/// What `semaphore::acquire` gives: gives itself back when it goes. Moves; must not outlive its semaphore.
class [[nodiscard]] permit {
public:
    permit() noexcept = default;
    permit(permit&& other) noexcept { take_from(other); }
    permit& operator=(permit&& other) noexcept {
        if (this != &other) {
            release();
            take_from(other);
        }
        return *this;
    }
    ~permit() { release(); }

    /// Gives it back now; an empty one does nothing.
    void release() noexcept;
    explicit operator bool() const noexcept { return from_ != nullptr; }

private:
    friend class semaphore;
    friend class detail::task_report;
    permit(semaphore& from, std::size_t count) noexcept;
    void take_from(permit& other) noexcept;

    semaphore* from_ = nullptr;
    std::size_t count_ = 0;
    std::uint64_t taker_ = 0; // the task's `serial`; 0 outside tasks
    permit* previous_ = nullptr;
    permit* next_ = nullptr; // that was taken before
};

/// Lets so many in at a time; the others wait in the order in which they came. For the tasks of one thread.
///
///     async::semaphore slots{8};
///     auto slot = slots.acquire();      // one of the eight, until `slot` goes
class semaphore {
public:
    explicit semaphore(std::size_t permits) noexcept : total_(permits), free_(permits) {}
    semaphore(semaphore const&) = delete;
    semaphore& operator=(semaphore const&) = delete;

    /// Suspends until `count` permits are free and nobody is before it (so a large demand is not overtaken by small ones). More than
    /// there are: `std::logic_error`. Cancelling takes none.
    permit acquire(std::size_t count = 1);
    /// An empty permit where `acquire` would wait. Never suspends.
    permit try_acquire(std::size_t count = 1) noexcept;

    /// Permits that nobody has.
    std::size_t available() const noexcept { return free_; }
    std::size_t total() const noexcept { return total_; }

private:
    friend class permit;
    friend class detail::task_report;
    struct demand;
    void give_back(std::size_t count) noexcept;
    void serve() noexcept;

    std::size_t total_;
    std::size_t free_;
    permit* taken_ = nullptr; // the newest, for reports
    detail::waiter_list waiting_;
};

inline void permit::take_from(permit& other) noexcept {
    from_ = std::exchange(other.from_, nullptr);
    count_ = std::exchange(other.count_, 0);
    if (!from_) return;
    taker_ = other.taker_;
    previous_ = other.previous_;
    next_ = other.next_;
    (previous_ ? previous_->next_ : from_->taken_) = this;
    if (next_) next_->previous_ = this;
}

inline void permit::release() noexcept {
    semaphore* from = std::exchange(from_, nullptr);
    if (!from) return;
    (previous_ ? previous_->next_ : from->taken_) = next_;
    if (next_) next_->previous_ = previous_;
    from->give_back(std::exchange(count_, 0));
}

} // namespace effects::async
