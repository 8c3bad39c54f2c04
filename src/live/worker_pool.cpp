// SPDX-License-Identifier: BSL-1.0
#include "worker_pool.hpp"

#include <algorithm>
#include <deque>
#include <system_error>

#include "signals.hpp"

namespace effects::live::detail {
worker_pool::worker_pool(std::size_t most)
    : most_(most != 0 ? most : std::max<std::size_t>(4, std::thread::hardware_concurrency())) {}

worker_pool::~worker_pool() {
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
        while (idle_) call(*idle_, nullptr);
    }
    for (worker& w : workers_) w.thread.join();
}

void worker_pool::submit(job& work) {
    std::lock_guard lock(mutex_);
    if (idle_) return call(*idle_, &work);
    if (workers_.size() < most_ && start_with(work)) return;
    work.queued_ = true;
    work.next_ = nullptr;
    work.previous_ = last_;
    (last_ ? last_->next_ : first_) = &work;
    last_ = &work;
}

bool worker_pool::withdraw(job& work) noexcept {
    std::lock_guard lock(mutex_);
    if (!work.queued_) return false;
    take_out(work);
    return true;
}

void worker_pool::take_out(job& work) noexcept {
    work.queued_ = false;
    (work.previous_ ? work.previous_->next_ : first_) = work.next_;
    (work.next_ ? work.next_->previous_ : last_) = work.previous_;
}

void worker_pool::call(worker& w, job* to_do) noexcept {
    idle_ = w.next_idle;
    w.given = to_do;
    w.called.release();
}

// False where no further thread can be had: those that are there will come to the work.
bool worker_pool::start_with(job& work) {
    worker& w = workers_.emplace_back();
    w.given = &work;
    signals_blocked const here;
    try {
        w.thread = std::thread([this, &w] { this->work(w); });
    } catch (std::system_error const&) {
        workers_.pop_back();
        if (workers_.empty()) throw;
        return false;
    }
    return true;
}

void worker_pool::work(worker& self) {
    while (self.given) {
        self.given->run();
        std::unique_lock lock(mutex_);
        self.given = first_;
        if (first_) {
            take_out(*first_);
        } else if (!ending_) {
            self.next_idle = idle_;
            idle_ = &self;
            lock.unlock();
            self.called.acquire();
        }
    }
}

// ---- detached work ----

namespace {

// Of the process, as the threads outlive any world; never destroyed, as they outlive `main`.
struct detached_threads {
    static constexpr std::size_t most = 16;
    std::mutex mutex;
    std::deque<std::shared_ptr<job>> queue;
    std::size_t running = 0;
};

detached_threads& detached() {
    static auto* const all = new detached_threads;
    return *all;
}

void work_detached() {
    detached_threads& all = detached();
    std::unique_lock lock(all.mutex);
    while (!all.queue.empty()) {
        auto next = std::move(all.queue.front());
        all.queue.pop_front();
        lock.unlock();
        next->run();
        next.reset();
        lock.lock();
    }
    --all.running;
}

} // namespace

void submit_detached(std::shared_ptr<job> work) {
    detached_threads& all = detached();
    std::lock_guard lock(all.mutex);
    all.queue.push_back(std::move(work));
    if (all.running == detached_threads::most) return;
    signals_blocked const here;
    try {
        std::thread(work_detached).detach();
        ++all.running;
    } catch (std::system_error const&) {
        if (all.running != 0) return; // those that are there will come to it
        all.queue.pop_back();
        throw;
    }
}

} // namespace effects::live::detail
