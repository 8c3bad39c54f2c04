// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

#include <effects/async/detail/waiter.hpp>

namespace effects::async {

/// So many tasks wait for each other; then all go on, and it can be used again. For the tasks of one thread.
///
///     async::barrier all_ready{3};   …   all_ready.arrive_and_wait();
class barrier {
public:
    /// Of none: `std::invalid_argument`.
    explicit barrier(std::size_t tasks);
    barrier(barrier const&) = delete;
    barrier& operator=(barrier const&) = delete;

    /// Suspends until as many have come. True for the one that came last, which does not wait. Cancelling takes the arrival back.
    bool arrive_and_wait();
    /// Tasks that wait in it.
    std::size_t waiting() const noexcept { return waiting_.size(); }

private:
    std::size_t tasks_;
    detail::waiter_list waiting_;
};

} // namespace effects::async
