// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <utility>

#include <effects/async/detail/waiter.hpp>

namespace effects::async {

namespace detail {
class task_report;
}

class mutex;

/// What `mutex::lock` gives: unlocks when it goes. Stays where it was made.
class [[nodiscard]] mutex_lock {
public:
    mutex_lock(mutex_lock const&) = delete;
    mutex_lock& operator=(mutex_lock const&) = delete;
    ~mutex_lock() { unlock(); }

    /// Unlocks now; a second time does nothing.
    void unlock() noexcept;
    explicit operator bool() const noexcept { return held_ != nullptr; }

private:
    friend class mutex;
    friend class condition;
    explicit mutex_lock(mutex* held) noexcept : held_(held) {}

    mutex* held_;
};

/// One task at a time, also over suspensions; the others wait in the order in which they came. For the tasks of one thread, which don't need
/// it for anything that does not suspend in the middle.
///
///     async::mutex m;
///     auto held = m.lock();             // until `held` goes
class mutex {
public:
    mutex() = default;
    mutex(mutex const&) = delete;
    mutex& operator=(mutex const&) = delete;

    /// Suspends until it is this task's turn; a task that has it already gets a `std::logic_error`. Cancelling leaves the queue.
    mutex_lock lock();
    /// An empty lock where `lock` would wait. Never suspends.
    mutex_lock try_lock();
    bool is_locked() const noexcept { return locked_; }

private:
    friend class mutex_lock;
    friend class condition;
    friend class detail::task_report;
    void acquire(bool cancellable);
    void release() noexcept;

    bool locked_ = false;
    std::uint64_t owner_ = 0; // its `serial`: a task may end and leave the lock to others; 0 outside tasks
    detail::waiter_list waiting_;
};

inline void mutex_lock::unlock() noexcept {
    if (mutex* m = std::exchange(held_, nullptr)) m->release();
}

/// Waiting, with a mutex unlocked meanwhile, for what another task changes under it. For the tasks of one thread.
///
///     auto held = m.lock();
///     changed.wait(held, [&] { return !queue.empty(); });
class condition {
public:
    condition() = default;
    condition(condition const&) = delete;
    condition& operator=(condition const&) = delete;

    /// Unlocks, suspends until it is notified, and locks again: also when it is cancelled, before that is thrown. A `notify_one` reaches a task
    /// that goes on: not one that is cancelled already.
    void wait(mutex_lock& held);
    template <class Ready>
    void wait(mutex_lock& held, Ready ready) {
        while (!ready()) wait(held);
    }
    void notify_one() noexcept { waiting_.wake_one(); }
    void notify_all() noexcept { waiting_.wake_all(); }

private:
    detail::waiter_list waiting_;
};

} // namespace effects::async
