// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <source_location>

#include <effects/async/must_not_suspend.hpp>

namespace effects::async {

/// A `std::lock_guard` for code that runs in tasks: locks what belongs to threads (a `std::mutex`), and lets its task not suspend before it is
/// unlocked, as `must_not_suspend` has it. The next task on the same thread that wanted the lock would wait for ever, and all others with it.
///
///     async::thread_lock const lock(cache_mutex);
///     cache.insert(key, value);                    // std::logic_error if something in here waits
///
/// To hold a lock over a wait, take an `async::mutex`.
template <class Mutex>
class [[nodiscard]] thread_lock {
public:
    explicit thread_lock(Mutex& m, std::source_location where = std::source_location::current())
        : mutex_(m), here_("a lock of its thread", where) {
        mutex_.lock();
    }
    thread_lock(thread_lock const&) = delete;
    thread_lock& operator=(thread_lock const&) = delete;
    ~thread_lock() { mutex_.unlock(); }

private:
    Mutex& mutex_;
    must_not_suspend here_;
};

} // namespace effects::async
