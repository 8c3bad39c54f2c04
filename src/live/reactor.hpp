// SPDX-License-Identifier: BSL-1.0
// All of Asio that the live world uses, behind an interface without it: posted functions, descriptors that become
// readable or writable, and one instant to be woken at.
#pragma once

#include <functional>
#include <memory>

#include <effects/async/detail/waiter.hpp>
#include <effects/async/time.hpp>

namespace effects::live::detail {

struct asio_door;

class reactor {
public:
    reactor();
    reactor(reactor const&) = delete;
    reactor& operator=(reactor const&) = delete;
    ~reactor(); // closes the descriptors that are still open

    // From any thread: `f` runs in a later `poll` or `wait`.
    void post(std::function<void()> f);
    // Runs what is ready.
    void poll();
    // Waits until something is, or about until `limit`, and runs one piece of it.
    void wait(async::time_point now, async::time_point limit);

    // For who awaits operations of Asio's (`use_task`).
    std::shared_ptr<asio_door> const& door() const noexcept;

    struct state;
    state& inside() noexcept { return *state_; }

private:
    std::unique_ptr<state> state_;
};

enum class direction : unsigned char { read, write };

// An open descriptor that tasks of one loop wait for. Owns it. Non-blocking by its maker's doing.
class descriptor {
public:
    descriptor(reactor& of, int fd); // closes `fd` when it throws
    descriptor(descriptor&&) noexcept;
    descriptor& operator=(descriptor&&) = delete;
    ~descriptor();

    int fd() const noexcept; // -1 once it is closed
    // In a task, after a call that would have blocked: suspends until it may be ready (now and then too early), or closed.
    void wait(direction d, char const* what);
    bool anyone_waits(direction d) const noexcept;
    // A call has just moved less than it was asked to, or would have blocked: until something happens, so would the next.
    void exhausted(direction d) noexcept;
    bool would_block(direction d) const noexcept; // as far as is known
    void close() noexcept;                        // wakes those who wait

    struct state;

private:
    std::unique_ptr<state> state_;
};

// Calls `f` in the loop whenever the descriptor, which it does not own, is readable. `f` reads it empty.
class bell {
public:
    bell(reactor& of, int fd, std::function<void()> f);
    bell(bell const&) = delete;
    bell& operator=(bell const&) = delete;
    ~bell();

    struct state;

private:
    std::shared_ptr<state> state_;
};

} // namespace effects::live::detail
