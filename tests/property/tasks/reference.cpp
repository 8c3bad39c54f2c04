// SPDX-License-Identifier: BSL-1.0
#include "reference.hpp"

namespace property {

namespace {

constexpr std::size_t capacity[channels] = {0, 2, std::numeric_limits<std::size_t>::max()};

std::string named(wait const& w) {
    return "task " + std::to_string(w.who->name) + " in " + text(w.what) + ' ' + std::to_string(w.at);
}

} // namespace

void reference::object(std::string what) {
    if (objection_.empty()) objection_ = "at " + std::to_string(now_) + " ms: " + std::move(what);
}

void reference::mark(int what, int whose, int about) { trace_.insert(trace_.end(), {what, whose, about}); }

// ---- cancellation ----

bool reference::may_be_cancelled(scope const* s) const noexcept { return was_cancelled(s, now_ + 1); }

// By something that happened before, deadlines among it.
bool reference::was_cancelled(scope const* s, instant before) const noexcept {
    for (; s; s = s->outer) {
        if (s->cancelled || s->deadline < before) return true;
        if (s->shield) return false;
    }
    return false;
}

// ---- time ----

void reference::now(instant at) {
    if (at < now_) object("time went back");
    if (at == now_) return;
    ++times_;
    nothing_left_behind(at);
    now_ = at;
    mark(-1, 0, static_cast<int>(at));
}

// Whether it could go on without anybody's doing.
bool reference::enabled(wait const& w) const {
    auto somebody = [&](step_kind does) {
        for (wait const& other : waits_)
            if (other.what == does && other.at == w.at) return true;
        return false;
    };
    channel_state const& c = channels_[w.at < channels ? w.at : 0];
    switch (w.what) {
    case step_kind::sleep:
        return w.due <= now_;
    case step_kind::yield:
        return true;
    case step_kind::send:
        return c.closed || inside(c) < capacity[w.at] || somebody(step_kind::receive);
    case step_kind::receive:
        return c.closed || inside(c) > 0 || somebody(step_kind::send);
    case step_kind::acquire: {
        for (wait const& other : waits_)
            if (other.what == w.what && other.order < w.order) return false; // it is not the first
        return held_ + w.count <= permits;
    }
    case step_kind::lock:
        return !locked_;
    case step_kind::wait:
        return events_[w.at] || w.woken;
    case step_kind::join:
        return w.target->ended;
    case step_kind::group:
        return w.of->running == 0;
    default:
        return true;
    }
}

// Time passes only when every task waits, for what has not come yet.
void reference::nothing_left_behind(instant until) {
    for (wait const& w : waits_) {
        if (enabled(w)) object(named(w) + " was left waiting for what is there");
        if (w.what == step_kind::send && channels_[w.at].taken.count(w.item) != 0)
            object(named(w) + " was left waiting, and its item has been received");
        if (w.overtaken) object(named(w) + " was overtaken by one who came later");
        if (w.what == step_kind::group) continue; // its tasks are told, and it waits for them
        if (was_cancelled(w.in, now_ + 1))
            object(named(w) + " was not told that it is cancelled");
        else if (was_cancelled(w.in, until))
            object("time passed over the deadline of " + named(w));
        if (w.due < until) object("time passed over the alarm of " + named(w));
    }
    for (int i = 0; i < channels; ++i)
        if (inside(channels_[i]) > capacity[i])
            object("channel " + std::to_string(i) + " took more than it has room for");
    for (task_state const& t : tasks_)
        if (!t.ended && t.waits == 0) object("time passed though task " + std::to_string(t.name) + " can go on");
}

// ---- tasks ----

task_state& reference::spawned(group_state& into) {
    task_state& t = tasks_.emplace_back();
    t.name = static_cast<int>(tasks_.size());
    t.of = &into;
    t.reach.outer = &into.reach;
    ++into.running;
    mark(1, t.name, 0);
    return t;
}

void reference::ended(task_state& t) {
    if (t.ended) object("task " + std::to_string(t.name) + " ended twice");
    if (t.waits != 0) object("task " + std::to_string(t.name) + " ended while it waits");
    t.ended = true;
    --t.of->running;
    mark(2, t.name, 0);
}

void reference::failed(group_state& g, int failure) {
    if (g.first_failure == 0) g.first_failure = failure;
    g.reach.cancelled = true;
    mark(3, failure, 0);
}

void reference::cancelled(task_state& t) {
    if (!t.ended) t.reach.cancelled = true;
}

// ---- waits ----

reference::ticket reference::waits(wait w) {
    w.order = ++next_order_;
    ++w.who->waits;
    mark(4, w.who->name, static_cast<int>(w.what));
    if (w.what == step_kind::send) channels_[w.at].offered[w.item] = w.who->name;
    return waits_.insert(waits_.end(), w);
}

void reference::served(ticket w) {
    mark(5, w->who->name, static_cast<int>(w->what));
    --w->who->waits;
    switch (w->what) {
    case step_kind::sleep:
        if (now_ != w->due) object(named(*w) + " slept until " + std::to_string(w->due));
        break;
    case step_kind::send:
        ++channels_[w->at].put;
        break;
    case step_kind::acquire:
        held_ += w->count;
        if (held_ > permits) object(named(*w) + " got a permit that there is not");
        break;
    case step_kind::lock:
        if (locked_) object(named(*w) + " got a mutex that another one holds");
        locked_ = true;
        break;
    case step_kind::join:
        if (!w->target->ended) object(named(*w) + " did not wait");
        break;
    case step_kind::group:
        if (w->of->running != 0) object(named(*w) + " left tasks behind");
        break;
    default:
        break;
    }
    bool const queues = w->what == step_kind::send || w->what == step_kind::receive || w->what == step_kind::acquire ||
                        w->what == step_kind::lock;
    for (wait& other : waits_)
        if (queues && other.what == w->what && other.at == w->at && other.order < w->order) other.overtaken = true;
    waits_.erase(w);
}

void reference::interrupted(ticket w) {
    ++interruptions_;
    mark(6, w->who->name, static_cast<int>(w->what));
    --w->who->waits;
    if (!may_be_cancelled(w->in)) object(named(*w) + " was cancelled by nobody");
    if (w->what == step_kind::send) {
        channel_state& c = channels_[w->at];
        if (c.taken.count(w->item) != 0) object(named(*w) + " was cancelled, and its item received all the same");
        c.withdrawn.insert(w->item);
    }
    waits_.erase(w);
}

void reference::refused(ticket w) {
    mark(7, w->who->name, w->at);
    --w->who->waits;
    channel_state& c = channels_[w->at];
    if (!c.closed) object(named(*w) + " was refused by an open channel");
    if (c.taken.count(w->item) != 0) object(named(*w) + " was refused, and its item received all the same");
    c.withdrawn.insert(w->item);
    waits_.erase(w);
}

// ---- between tasks ----

void reference::put(task_state& by, int channel, int item) {
    channels_[channel].offered[item] = by.name;
    ++channels_[channel].put;
    if (channels_[channel].closed) object("a closed channel took an item");
    mark(8, by.name, channel);
}

void reference::got(task_state& by, int channel, int item) {
    channel_state& c = channels_[channel];
    auto const from = c.offered.find(item);
    if (from == c.offered.end()) return object("an item was received that nobody sent");
    if (!c.taken.insert(item).second) object("an item was received twice");
    if (c.withdrawn.count(item) != 0) object("an item was received whose send had been cut short");
    int& last = c.last[{from->second, by.name}];
    if (item < last) object("task " + std::to_string(by.name) + " received items out of order");
    last = item;
    mark(9, by.name, item);
}

void reference::got_nothing(int channel, std::size_t left) {
    if (!channels_[channel].closed) object("an open channel said that it is closed");
    if (left != 0) object("a channel with items in it said that it is empty");
}

void reference::closed(int channel) {
    channels_[channel].closed = true;
    mark(10, channel, 0);
}

void reference::gave_back(int count) { held_ -= count; }
void reference::unlocked() { locked_ = false; }

void reference::set(int event) {
    events_[event] = true;
    for (wait& w : waits_)
        if (w.what == step_kind::wait && w.at == event) w.woken = true;
}
void reference::reset(int event) { events_[event] = false; }

// ---- what ends ----

void reference::timed_out(scope const& s) {
    if (s.deadline > now_) object("a timeout came early");
    mark(11, 0, 0);
}

void reference::left(group_state const& g, scope const& around, int what) {
    mark(12, what, 0);
    if (what == -1) {
        if (!may_be_cancelled(&around)) object("a group left as cancelled, and nobody cancelled it");
        if (g.first_failure != 0) object("a group left as cancelled, and a failure was lost");
    } else if (what != g.first_failure) {
        object("a group left with failure " + std::to_string(what) + ", and the first was " +
               std::to_string(g.first_failure));
    }
}

void reference::over(std::size_t const (&left)[channels], std::size_t available, std::size_t items_alive) {
    std::size_t all = 0;
    for (int i = 0; i < channels; ++i) {
        all += left[i];
        if (left[i] != inside(channels_[i]))
            object("channel " + std::to_string(i) + " has " + std::to_string(left[i]) +
                   " items left, and should have " + std::to_string(inside(channels_[i])));
    }
    if (items_alive != all) object(std::to_string(items_alive) + " items are alive, " + std::to_string(all) + " left");
    if (available != permits || held_ != 0) object("permits were lost");
    if (locked_) object("the mutex was left locked");
    if (!waits_.empty()) object(named(waits_.front()) + " never ended");
    for (task_state const& t : tasks_)
        if (!t.ended) object("task " + std::to_string(t.name) + " was lost");
}

} // namespace property
