// SPDX-License-Identifier: BSL-1.0
#include "real.hpp"

#include "reference.hpp"

#include <chrono>
#include <exception>
#include <list>
#include <optional>
#include <utility>

#include <effects/async.hpp>
#include <effects/sim.hpp>

namespace property {

namespace {

namespace async = effects::async;
using namespace std::chrono_literals;

struct failure {
    int number;
};

class item {
public:
    explicit item(int number) noexcept : number_(number) { ++alive; }
    item(item&& other) noexcept : number_(other.number_) { ++alive; }
    item& operator=(item&& other) noexcept {
        number_ = other.number_;
        return *this;
    }
    ~item() { --alive; }
    int number() const noexcept { return number_; }

    inline static std::size_t alive = 0;

private:
    int number_;
};

class performance {
public:
    explicit performance(program const& p) : program_(p) {}

    observed take_place() {
        observed seen;
        try {
            effects::sim::run({.seed = program_.seed}, [&] { whole(seen); });
        } catch (std::exception const& e) {
            reference_.object(e.what());
        }
        std::size_t left[channels];
        for (int i = 0; i < channels; ++i) left[i] = channels_[i].size();
        reference_.over(left, semaphore_.available(), item::alive);
        seen.objection = reference_.objection();
        seen.trace = reference_.trace();
        seen.interruptions = reference_.interruptions();
        seen.times = reference_.time_passed();
        return seen;
    }

private:
    // Where a step is.
    struct place {
        task_state* me;
        scope const* in;
        group_state* of;
        async::group* group;
        bool locked = false;
        bool acquired = false;
    };
    struct handle {
        async::task<void> task;
        task_state* state;
    };

    instant clock() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(async::now() - started_).count();
    }
    reference& tell() {
        reference_.now(clock());
        return reference_;
    }

    void whole(observed& seen) {
        started_ = async::now();
        group_state nobodys;
        task_state& main = tell().spawned(nobodys);
        scope hour{.outer = &main.reach};
        hour.deadline = 3'600'000;
        try { // what would wait for ever
            async::timeout(1h, [&] { in_group(program_.body, {&main, &hour, &nobodys, nullptr}); });
        } catch (async::timed_out const&) {
            tell().timed_out(hour);
        } catch (failure const&) {
            seen.failed = true;
        }
        tell().ended(main);
        handles_.clear();
    }

    void in_order(block const& b, place const& at) {
        for (step const& s : b) one(s, at);
    }

    // Says when it begins and how it ends; a wait that is refused is the caller's to tell.
    template <class F>
    auto waiting(wait const& w, F f, reference::ticket* told = nullptr) {
        reference::ticket const ticket = tell().waits(w);
        if (told) *told = ticket;
        struct served {
            performance* self;
            reference::ticket ticket;
            ~served() {
                if (self) self->tell().served(ticket);
            }
        } at_the_end{this, ticket};
        try {
            return f();
        } catch (async::cancelled const&) {
            at_the_end.self = nullptr;
            tell().interrupted(ticket);
            throw;
        } catch (...) {
            at_the_end.self = nullptr;
            throw;
        }
    }

    void one(step const& s, place const& at) {
        wait w{.who = at.me, .in = at.in, .what = s.kind, .at = s.at};
        switch (s.kind) {
        case step_kind::sleep:
            if (s.value == 0) return one({.kind = step_kind::yield}, at);
            w.due = clock() + s.value;
            return waiting(w, [&] { async::sleep_for(std::chrono::milliseconds(s.value)); });
        case step_kind::yield:
            return waiting(w, [] { async::yield(); });
        case step_kind::send:
            return send(s, w);
        case step_kind::receive: {
            std::optional<item> got = waiting(w, [&] { return channels_[s.at].receive(); });
            if (got)
                tell().got(*at.me, s.at, got->number());
            else
                tell().got_nothing(s.at, channels_[s.at].size());
            return;
        }
        case step_kind::try_send:
            if (item i(++items_); channels_[s.at].try_send(std::move(i))) tell().put(*at.me, s.at, i.number());
            return;
        case step_kind::try_receive:
            if (auto got = channels_[s.at].try_receive()) tell().got(*at.me, s.at, got->number());
            return;
        case step_kind::close:
            tell().closed(s.at);
            return channels_[s.at].close();
        case step_kind::acquire:
            return with_permits(s, at, w);
        case step_kind::lock:
            return with_lock(s, at, w);
        case step_kind::set:
            tell().set(s.at);
            return events_[s.at].set();
        case step_kind::reset:
            tell().reset(s.at);
            return events_[s.at].reset();
        case step_kind::wait:
            return waiting(w, [&] { events_[s.at].wait(); });
        case step_kind::spawn:
            return spawn(s, at);
        case step_kind::group:
            return in_group(s.body, at);
        case step_kind::timeout:
            return in_time(s, at);
        case step_kind::shield:
            return async::shield([&] {
                scope inner{.outer = at.in, .shield = true};
                place here = at;
                here.in = &inner;
                in_order(s.body, here);
            });
        case step_kind::cancel:
            if (handle* h = slots_[s.at]) {
                tell().cancelled(*h->state);
                h->task.cancel();
            }
            return;
        case step_kind::join:
            // Only of those that are younger, so that no two wait for each other.
            if (handle* h = slots_[s.at]; h && h->state->name > at.me->name) {
                w.target = h->state;
                waiting(w, [&] { h->task.wait(); });
            }
            return;
        case step_kind::cancel_group:
            at.of->reach.cancelled = true;
            return at.group->cancel();
        case step_kind::fail:
            throw failure{++failures_};
        case step_kind::attempt:
            try {
                in_order(s.body, at);
            } catch (failure const&) {
            }
            return;
        case step_kind::swallow:
            try {
                in_order(s.body, at);
            } catch (...) {
            }
            return;
        }
    }

    void send(step const& s, wait& w) {
        w.item = ++items_;
        reference::ticket told;
        try {
            waiting(
                w, [&] { channels_[s.at].send(item(w.item)); }, &told);
        } catch (async::channel_closed const&) {
            tell().refused(told);
        }
    }

    void with_permits(step const& s, place const& at, wait& w) {
        if (at.acquired) return in_order(s.body, at);
        w.at = 0;
        w.count = s.value;
        async::permit held = waiting(w, [&] { return semaphore_.acquire(static_cast<std::size_t>(s.value)); });
        struct at_the_end {
            performance* self;
            int count;
            async::permit& held;
            ~at_the_end() {
                held.release();
                self->tell().gave_back(count);
            }
        } release{this, s.value, held};
        place here = at;
        here.acquired = true;
        in_order(s.body, here);
    }

    void with_lock(step const& s, place const& at, wait& w) {
        if (at.locked) return in_order(s.body, at);
        w.at = 0;
        async::mutex_lock held = waiting(w, [&] { return mutex_.lock(); });
        struct at_the_end {
            performance* self;
            async::mutex_lock& held;
            ~at_the_end() {
                held.unlock();
                self->tell().unlocked();
            }
        } release{this, held};
        place here = at;
        here.locked = true;
        in_order(s.body, here);
    }

    void spawn(step const& s, place const& at) {
        task_state& t = tell().spawned(*at.of);
        handle& h = handles_.emplace_back(handle{{}, &t});
        h.task = at.group->spawn([this, &s, &t, of = at.of, group = at.group] {
            try {
                in_order(s.body, {&t, &t.reach, of, group});
            } catch (failure const& f) {
                tell().failed(*of, f.number);
                tell().ended(t);
                throw;
            } catch (async::cancelled const&) {
                tell().ended(t);
                throw;
            }
            tell().ended(t);
        });
        slots_[s.at] = &h;
    }

    void in_group(block const& body, place const& at) {
        group_state mine;
        mine.reach.outer = at.in;
        reference::ticket joined;
        auto joins = [&] { joined = tell().waits({.who = at.me, .in = at.in, .what = step_kind::group, .of = &mine}); };
        try {
            async::task_group([&](async::group& g) {
                place here = at;
                here.in = &mine.reach;
                here.of = &mine;
                here.group = &g;
                try {
                    in_order(body, here);
                } catch (failure const& f) {
                    tell().failed(mine, f.number);
                    joins();
                    throw;
                } catch (async::cancelled const&) {
                    joins();
                    throw;
                }
                joins();
            });
        } catch (failure const& f) {
            tell().served(joined);
            tell().left(mine, *at.in, f.number);
            throw;
        } catch (async::cancelled const&) {
            tell().served(joined);
            tell().left(mine, *at.in, -1);
            throw;
        }
        tell().served(joined);
        tell().left(mine, *at.in, 0);
    }

    void in_time(step const& s, place const& at) {
        scope inner{.outer = at.in};
        inner.deadline = clock() + s.value;
        place here = at;
        here.in = &inner;
        try {
            async::timeout(std::chrono::milliseconds(s.value), [&] { in_order(s.body, here); });
        } catch (async::timed_out const&) {
            tell().timed_out(inner);
        }
    }

    program const& program_;
    reference reference_;
    async::channel<item> channels_[channels] = {async::channel<item>(0), async::channel<item>(2),
                                                async::channel<item>(async::unbounded)};
    async::semaphore semaphore_{permits};
    async::mutex mutex_;
    async::event events_[events];
    std::list<handle> handles_;
    handle* slots_[slots] = {};
    int items_ = 0;
    int failures_ = 0;
    async::time_point started_;
};

} // namespace

observed run(program const& p) { return performance(p).take_place(); }

} // namespace property
