// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace effects::sqlite {

/// Lets a number of holders in at a time, the others in the order in which they came. Unlike `async::semaphore` it is for
/// tasks of several threads' schedulers, and for threads without one, all at the same gate.
class gate {
public:
    class permit;

    explicit gate(std::size_t permits) noexcept : permits_(permits), free_(permits) {}
    gate(gate const&) = delete;
    gate& operator=(gate const&) = delete;

    /// Suspends the task (without a scheduler: blocks the thread). An empty permit: the time is over. Cancellable.
    /// Throws std::logic_error where waiting can't end: without a scheduler, and held by this very thread.
    permit enter(std::chrono::milliseconds limit);

    std::size_t waiting() const;

private:
    struct visitor;

    void leave() noexcept;
    // False: it was let in meanwhile, and is a holder now.
    bool give_up(visitor& v);
    permit wait_in_task(std::unique_lock<std::mutex> locked, std::chrono::milliseconds limit);
    permit wait_in_thread(std::unique_lock<std::mutex> locked, std::chrono::milliseconds limit);

    std::mutex mutable mutex_; // never held across a suspension
    std::size_t const permits_;
    std::size_t free_;
    std::deque<std::shared_ptr<visitor>> queue_;
    std::thread::id last_in_; // the thread that entered last
};

/// Leaves the gate when it goes.
class gate::permit {
public:
    permit() noexcept = default;
    explicit permit(gate& g) noexcept : gate_(&g) {}
    permit(permit&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    permit& operator=(permit&& other) noexcept {
        permit old(std::move(*this));
        gate_ = std::exchange(other.gate_, nullptr);
        return *this;
    }
    ~permit() {
        if (gate_) gate_->leave();
    }
    explicit operator bool() const noexcept { return gate_ != nullptr; }

private:
    gate* gate_ = nullptr;
};

} // namespace effects::sqlite
