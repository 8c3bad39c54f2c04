// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <mutex>

#include <effects/async/detail/waiter.hpp>

namespace effects::async::detail {

// Tasks that wait, in the order in which they came, for what their owner's mutex guards, as it guards the line. They may be tasks of
// several threads: `waiter_list` for what only one thread uses.
class line {
public:
    // Of one task, on its stack; to be taken out of the line before it goes.
    class place {
    public:
        place(char const* what, void const* on) : home_(current_task().home), sleeper_(what, on) {}

    private:
        friend class line;
        scheduler* home_;
        waiter sleeper_;
        place* previous_ = nullptr;
        place* next_ = nullptr;
        bool called_ = false;
    };

    line() = default;
    line(line const&) = delete;
    line& operator=(line const&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }
    std::size_t size() const noexcept { return size_; }
    place* front() const noexcept { return first_; }
    void push_back(place& p) noexcept;
    void remove(place& p) noexcept;

    // Until it is called; `lock` is open meanwhile, and held again afterwards whatever happened. False: `until` came first. A call is never lost:
    // one that comes with a cancellation wins.
    bool wait(std::unique_lock<std::mutex>& lock, place& mine, time_point until = never);
    // Once each, with the mutex held: the place stays in the line until it is taken out.
    static void call(place& p) noexcept;

private:
    place* first_ = nullptr;
    place* last_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace effects::async::detail
