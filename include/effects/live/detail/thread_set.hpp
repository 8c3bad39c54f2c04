// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include <effects/async/threads.hpp>
#include <effects/detail/frame.hpp>
#include <effects/live/options.hpp>

namespace effects::live::detail {

class event_loop;

// The event loops of a live world: the main one, of the thread that calls `run`, and those of the threads that it has started.
class thread_set {
public:
    // `outside`: the handlers around the world.
    thread_set(options const& how, event_loop& main, effects::detail::frame* outside);
    thread_set(thread_set const&) = delete;
    thread_set& operator=(thread_set const&) = delete;
    ~thread_set(); // ends the threads

    std::size_t size() const noexcept { return 1 + others_.size(); }
    std::size_t next() noexcept { return turn_.fetch_add(1, std::memory_order_relaxed) % size(); }

    // In a task of `here`, which it suspends. `world`: the frame of the loop itself, the outermost of the world's.
    void run(event_loop& here, async::run_on_thread const& op, effects::detail::frame* world);

private:
    struct other;
    class remote_call;
    event_loop& loop_of(std::size_t thread) const noexcept;

    event_loop& main_;
    std::vector<std::unique_ptr<other>> others_;
    std::atomic<std::size_t> turn_{0};
};

} // namespace effects::live::detail
