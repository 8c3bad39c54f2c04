// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <utility>

#include <effects/async/detail/waiter.hpp>

namespace effects::async {

class semaphore;

/// What `semaphore::acquire` gives: gives itself back when it goes. Moves; must not outlive its semaphore.
class [[nodiscard]] permit {
public:
    permit() noexcept = default;
    permit(permit&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    permit& operator=(permit&& other) noexcept {
        permit old(std::move(*this));
        from_ = std::exchange(other.from_, nullptr);
        count_ = std::exchange(other.count_, 0);
        return *this;
    }
    ~permit() { release(); }

    /// Gives it back now; an empty one does nothing.
    void release() noexcept;
    explicit operator bool() const noexcept { return from_ != nullptr; }

private:
    friend class semaphore;
    permit(semaphore& from, std::size_t count) noexcept : from_(&from), count_(count) {}

    semaphore* from_ = nullptr;
    std::size_t count_ = 0;
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
    struct demand;
    void give_back(std::size_t count) noexcept;
    void serve() noexcept;

    std::size_t total_;
    std::size_t free_;
    detail::waiter_list waiting_;
};

inline void permit::release() noexcept {
    if (semaphore* from = std::exchange(from_, nullptr)) from->give_back(std::exchange(count_, 0));
}

} // namespace effects::async
