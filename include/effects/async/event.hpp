// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/async/detail/waiter.hpp>

namespace effects::async {

/// A flag that tasks wait for. `set` wakes all who wait; those who come later don't wait, until `reset`. For the tasks of one
/// thread; from other threads: `promise`.
///
///     async::event ready;   …   ready.wait();   // here          ready.set();   // and there
class event {
public:
    event() = default;
    event(event const&) = delete;
    event& operator=(event const&) = delete;

    /// Suspends until it is set; who waits then is woken even if it is reset at once. Cancelling leaves nothing behind.
    void wait();
    void set() noexcept {
        set_ = true;
        waiting_.wake_all();
    }
    void reset() noexcept { set_ = false; }
    bool is_set() const noexcept { return set_; }

private:
    bool set_ = false;
    detail::waiter_list waiting_;
};

} // namespace effects::async
