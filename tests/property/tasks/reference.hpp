// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"

#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

// What is told of each thing that a program's tasks do, and objects to what the library's contracts don't allow. It predicts no
// order, which is the seed's business: it knows what each task waits for, and so what must not be left waiting when time passes.
namespace property {

using instant = std::int64_t; // milliseconds since the world began
inline constexpr instant never = std::numeric_limits<instant>::max();

// What a cancellation reaches: a group, a task, a timeout; or where those from outside end.
struct scope {
    scope const* outer = nullptr;
    bool shield = false;
    bool cancelled = false;
    instant deadline = never;
};

struct group_state {
    scope reach;
    int running = 0;
    int first_failure = 0; // its number; 0: none
};

struct task_state {
    int name = 0;
    scope reach;
    group_state* of = nullptr;
    int waits = 0; // for things; one inside the other only while a group's tasks are waited for
    bool ended = false;
};

struct wait {
    task_state* who;
    scope const* in;
    step_kind what;
    int at = 0;
    int count = 0; // permits
    int item = 0;
    instant due = never;
    task_state* target = nullptr; // of a join
    group_state* of = nullptr;    // whose tasks are waited for
    std::uint64_t order = 0;
    bool woken = false;     // the event was set
    bool overtaken = false; // somebody who came later has had its turn
};

class reference {
public:
    using ticket = std::list<wait>::iterator;

    // Everything below is told when it happens; `now` before anything else.
    void now(instant at);

    task_state& spawned(group_state& into);
    void ended(task_state& t);
    void failed(group_state& g, int failure); // one of its tasks, or its body
    void cancelled(task_state& t);

    // A wait begins, and ends in one of two ways.
    ticket waits(wait w);
    void served(ticket w);
    void interrupted(ticket w); // by `cancelled`

    // Items, by their number; `taken_by` a task, which also has those that `try_receive` gets.
    void put(task_state& by, int channel, int item); // try_send
    void got(task_state& by, int channel, int item);
    void got_nothing(int channel, std::size_t left); // receive: closed and empty
    void refused(ticket w);                          // send: closed
    void closed(int channel);

    void gave_back(int count);
    void unlocked();
    void set(int event);
    void reset(int event);

    void timed_out(scope const& s);
    // What left a group: a failure's number, 0 for nothing, -1 for `cancelled`.
    void left(group_state const& g, scope const& around, int what);

    // The end of it all: what the channels and the semaphore say.
    void over(std::size_t const (&left)[channels], std::size_t available, std::size_t items_alive);

    void object(std::string what); // the first one counts
    std::string const& objection() const noexcept { return objection_; }
    std::vector<int> const& trace() const noexcept { return trace_; }
    std::uint64_t interruptions() const noexcept { return interruptions_; }
    std::uint64_t time_passed() const noexcept { return times_; }

private:
    struct channel_state {
        std::map<int, int> offered; // items that have been sent or wait to be, and by whom
        std::set<int> withdrawn;
        std::set<int> taken;
        std::map<std::pair<int, int>, int> last; // from and to: the last item
        std::size_t put = 0;
        bool closed = false;
    };

    bool may_be_cancelled(scope const* s) const noexcept;
    bool was_cancelled(scope const* s, instant before) const noexcept;
    bool enabled(wait const& w) const;
    std::size_t inside(channel_state const& c) const noexcept { return c.put - c.taken.size(); }
    void nothing_left_behind(instant until);
    void mark(int what, int whose, int about);

    instant now_ = 0;
    std::list<task_state> tasks_;
    std::list<wait> waits_;
    channel_state channels_[channels];
    int held_ = 0; // permits
    bool locked_ = false;
    bool events_[events] = {};
    std::uint64_t next_order_ = 0;
    std::uint64_t interruptions_ = 0;
    std::uint64_t times_ = 0;
    std::vector<int> trace_;
    std::string objection_;
};

} // namespace property
