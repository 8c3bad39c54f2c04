// SPDX-License-Identifier: BSL-1.0
#include "gate.hpp"

#include <algorithm>
#include <stdexcept>

#include <effects/async/detail/scheduler.hpp>
#include <effects/async/detail/task_base.hpp>
#include <effects/async/detail/waiter.hpp>

namespace effects::sqlite {

namespace async = effects::async;

// Who waits. `let_in` is guarded by the gate's mutex; `sleeper` belongs to the thread of the task's scheduler.
struct gate::visitor {
    async::detail::scheduler* home = nullptr; // null: a thread without one
    async::detail::waiter* sleeper = nullptr;
    std::condition_variable thread;
    bool let_in = false;
};

gate::permit gate::enter(std::chrono::milliseconds limit) {
    std::unique_lock locked(mutex_);
    if (free_ > 0) {
        --free_;
        last_in_ = std::this_thread::get_id();
        return permit(*this);
    }
    return async::detail::current_task_or_null() ? wait_in_task(std::move(locked), limit)
                                                 : wait_in_thread(std::move(locked), limit);
}

std::size_t gate::waiting() const {
    std::lock_guard locked(mutex_);
    return queue_.size();
}

bool gate::give_up(visitor& v) {
    std::lock_guard locked(mutex_);
    if (v.let_in) return false;
    queue_.erase(std::find_if(queue_.begin(), queue_.end(), [&](auto const& one) { return one.get() == &v; }));
    return true;
}

gate::permit gate::wait_in_task(std::unique_lock<std::mutex> locked, std::chrono::milliseconds limit) {
    if (limit <= limit.zero()) return {};
    auto& scheduler = *async::detail::current_task().home;
    auto me = std::make_shared<visitor>();
    async::detail::waiter sleeper("sqlite connection", this);
    me->home = &scheduler;
    me->sleeper = &sleeper;
    queue_.push_back(me);
    locked.unlock();

    // A wake-up that another thread has posted may come after we have left: it must find no sleeper then.
    struct no_sleeper {
        visitor& v;
        ~no_sleeper() { v.sleeper = nullptr; }
    } guard{*me};
    try {
        sleeper.wait_until(async::after(scheduler.now(), async::clamp_duration(limit)));
    } catch (...) {
        if (!give_up(*me)) leave();
        throw;
    }
    return give_up(*me) ? permit() : permit(*this);
}

gate::permit gate::wait_in_thread(std::unique_lock<std::mutex> locked, std::chrono::milliseconds limit) {
    if (permits_ == 1 && last_in_ == std::this_thread::get_id())
        throw std::logic_error(
            "waiting for the database without end: this thread holds the connection itself, by a transaction "
            "that is open (perform the statement in it: sql::transaction, or query.in(session))");
    auto me = std::make_shared<visitor>();
    queue_.push_back(me);
    if (!me->thread.wait_for(locked, limit, [&] { return me->let_in; })) {
        std::erase(queue_, me);
        return {};
    }
    last_in_ = std::this_thread::get_id();
    return permit(*this);
}

void gate::leave() noexcept {
    std::lock_guard locked(mutex_); // kept while waking: until it has the mutex, a visitor can't go, nor its scheduler
    last_in_ = {};
    if (queue_.empty()) {
        ++free_;
        return;
    }
    auto next = std::move(queue_.front());
    queue_.pop_front();
    next->let_in = true;
    if (!next->home) {
        next->thread.notify_one();
        return;
    }
    auto* here = async::detail::current_task_or_null();
    if (here && here->home == next->home) {
        next->sleeper->wake();
        return;
    }
    auto* home = next->home;
    home->post([woken = std::move(next)] {
        if (woken->sleeper) woken->sleeper->wake();
    });
}

} // namespace effects::sqlite
