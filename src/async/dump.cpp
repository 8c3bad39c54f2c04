// SPDX-License-Identifier: BSL-1.0
#include <effects/async/dump.hpp>

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <effects/async/detail/debugger.hpp>
#include <effects/async/detail/scheduler.hpp>
#include <effects/async/detail/waiter.hpp>
#include <effects/async/mutex.hpp>
#include <effects/async/once.hpp>
#include <effects/async/semaphore.hpp>
#include <effects/async/task.hpp>

namespace effects::async {

// What is to be said of a task, without the path.
class detail::task_report {
public:
    explicit task_report(scheduler const& of) noexcept : of_(of) {}

    std::string state_of(task_base const& t) {
        std::string text;
        if (t.state == task_base::state_type::parked) {
            text.append(" waits in ").append(t.waits_for && *t.waits_for ? t.waits_for : "?").append(for_whom(t));
            if (t.wakes_at != never) text.append(" for a time");
        } else {
            text.append(t.state == task_base::state_type::running ? " runs" : " is ready");
        }
        if (t.innermost->pending()) text.append(", cancelled (").append(to_string(t.innermost->why())).append(")");
        return text;
    }

private:
    std::string for_whom(task_base const& t) {
        if (!t.waits_in || !t.waits_in->listed()) return {}; // what it waits on may be gone
        std::string_view const in = t.waits_for;
        if (in == "task::wait") {
            task_base const* other = static_cast<task_result const*>(t.waits_on)->running;
            return other ? " for " + other->path() : std::string();
        }
        if (in == "mutex::lock") return who(", held by ", static_cast<mutex const*>(t.waits_on)->owner_);
        if (in == "once::call") return who(", which runs in ", static_cast<single_flight const*>(t.waits_on)->runner_);
        if (in == "semaphore::acquire") return holders(*static_cast<semaphore const*>(t.waits_on));
        return {};
    }

    std::string who(char const* does, std::uint64_t serial) {
        task_base const* task = by_serial(serial);
        return task ? does + task->path() : std::string();
    }

    // Of its permits, newest last: some.
    std::string holders(semaphore const& of) {
        constexpr std::size_t most_told = 4;
        std::vector<std::string> told;
        std::size_t others = 0;
        for (permit const* p = of.taken_; p; p = p->next_) {
            task_base const* task = by_serial(p->taker_);
            if (task && told.size() < most_told)
                told.push_back(task->path());
            else
                ++others;
        }
        std::string text;
        for (auto i = told.rbegin(); i != told.rend(); ++i) text.append(text.empty() ? ", held by " : ", ").append(*i);
        if (others > 0 && !text.empty()) text.append(" and ").append(std::to_string(others)).append(" more");
        return text;
    }

    task_base const* by_serial(std::uint64_t serial) {
        if (tasks_.empty()) // at the first that asks, as there may be a million
            for (task_base const* t = of_.first_task(); t; t = t->next_task) tasks_.emplace(t->serial, t);
        auto found = tasks_.find(serial);
        return found == tasks_.end() ? nullptr : found->second;
    }

    scheduler const& of_;
    std::unordered_map<std::uint64_t, task_base const*> tasks_;
};

namespace {

std::string spawn_place(detail::task_base const& task) {
    std::string place = detail::text_of(task.spawned_at);
    return place.empty() ? place : " (spawned at " + place + ")";
}

} // namespace

std::string detail::describe_tasks(scheduler const& of) {
    std::vector<task_base const*> tasks;
    for (task_base const* t = of.first_task(); t; t = t->next_task) tasks.push_back(t);
    task_report report(of);
    std::string text;
    for (auto i = tasks.rbegin(); i != tasks.rend(); ++i)
        text.append("\n    ").append((*i)->path()).append(report.state_of(**i)).append(spawn_place(**i));
    return text;
}

std::string detail::describe_group(scheduler const& of, scope const& group) {
    std::vector<task_base const*> tasks; // newest first
    bool only_daemons = true;
    for (task_base const* t = of.first_task(); t; t = t->next_task)
        if (t->whole.parent() == &group) {
            tasks.push_back(t);
            only_daemons = only_daemons && t->daemon;
        }
    if (!only_daemons) std::erase_if(tasks, [](task_base const* t) { return t->daemon; });
    constexpr std::size_t most_told = 8;
    task_report report(of);
    std::string text;
    std::size_t count = 0;
    for (auto i = tasks.rbegin(); i != tasks.rend() && count < most_told; ++i)
        text.append(count++ > 0 ? "; " : "").append((*i)->path()).append(report.state_of(**i));
    if (tasks.size() > count) text.append("; and ").append(std::to_string(tasks.size() - count)).append(" more");
    return text;
}

void dump(std::ostream& out) {
    detail::task_base const* running = detail::current_task_or_null();
    if (running)
        detail::dump_tasks(out, *running->home);
    else
        out << "no task is running on this thread\n";
}

void detail::dump_tasks(std::ostream& out, scheduler const& world) {
    std::unordered_map<task_base const*, std::vector<task_base const*>> children; // newest first
    for (task_base const* t = world.first_task(); t; t = t->next_task) {
        scope const* group = t->whole.parent();
        children[group ? group->owner() : nullptr].push_back(t);
    }

    task_report report(world);
    struct line {
        task_base const* task;
        std::size_t depth;
    };
    std::vector<line> to_write; // a stack, as groups may nest deeper than the thread's
    auto add = [&](task_base const* parent, std::size_t depth) {
        if (auto found = children.find(parent); found != children.end())
            for (task_base const* t : found->second) to_write.push_back({t, depth});
    };
    add(nullptr, 0);
    while (!to_write.empty()) {
        line const next = to_write.back();
        to_write.pop_back();
        out << std::string(2 * next.depth, ' ') << next.task->path() << report.state_of(*next.task)
            << (next.task->daemon ? ", a daemon" : "") << '\n';
        add(next.task, next.depth + 1);
    }
}

} // namespace effects::async
