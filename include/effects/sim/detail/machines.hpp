// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <effects/async/detail/task_base.hpp>
#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/os/clock.hpp>
#include <effects/os/in_memory_files.hpp>

namespace effects::sim::detail {

struct machine;

// A machine from one start to the end of its program: by crash, kill, or with all the others.
struct life {
    explicit life(std::shared_ptr<machine> m) noexcept : of(std::move(m)) {}

    std::shared_ptr<machine> const of;
    async::detail::task_base* main = nullptr; // all its tasks are in that one's scopes; null once it has ended
    async::group* tasks = nullptr;            // that can be added to
    bool over = false;                        // what its tasks still do nobody shall see
    bool asked_to_end = false;                // and does so in its own time
    async::event forever;
    async::event gone; // `main` is null
};

// Of nanoseconds: the nearest number that there is.
std::int64_t saturated_sum(std::int64_t a, std::int64_t b) noexcept;
std::int64_t saturated_product(std::int64_t a, std::int64_t b) noexcept;

// A calendar that is wrong by so much, and ever more so.
class skewed_clock {
public:
    async::duration error(async::time_point now) const noexcept;
    void jump(async::duration by) noexcept;
    void drift(std::int64_t parts_per_million, async::time_point now) noexcept;

private:
    async::duration offset_{0};
    std::int64_t parts_per_million_ = 0;
    async::time_point since_{};
};

// A named host.
struct machine {
    std::string name;
    std::function<void()> program;
    os::in_memory_files disk;
    skewed_clock clock = {};
    bool powered = false;
    bool starts_again = false;             // as soon as its program has ended
    std::shared_ptr<life> alive = nullptr; // null: no program runs
};

// Those of a world, and which one a task belongs to: the one whose main task's scopes it is in, wherever the handlers come from that it runs under.
class machines {
public:
    machine* find(std::string const& name) const noexcept;
    void add(std::shared_ptr<machine> m);
    void remove(std::string const& name) noexcept { by_name_.erase(name); }

    void began(std::shared_ptr<life> l); // in its main task
    void ended(life& l) noexcept;

    std::shared_ptr<life> of(async::detail::task_base const& task) const noexcept; // null: none
    std::shared_ptr<life> running() const noexcept;                                // of the calling task

private:
    std::map<std::string, std::shared_ptr<machine>> by_name_;
    std::map<async::detail::task_base const*, std::shared_ptr<life>>
        by_main_task_; // for looking up: its order is no order
};

} // namespace effects::sim::detail
