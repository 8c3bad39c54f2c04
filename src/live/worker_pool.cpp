// SPDX-License-Identifier: BSL-1.0
#include "worker_pool.hpp"

#include <algorithm>
#include <system_error>

#include <csignal>
#include <pthread.h>

namespace effects::live::detail {
namespace {

// Signals are for the program's own threads.
struct signals_blocked {
    sigset_t before;
    signals_blocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
};

} // namespace

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
    work.next_ = nullptr;
    (last_ ? last_->next_ : first_) = &work;
    last_ = &work;
}

void worker_pool::call(worker& w, job* to_do) noexcept {
    idle_ = w.next_idle;
    w.idle = false;
    w.given = to_do;
    w.called.notify_one();
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
            first_ = first_->next_;
            if (!first_) last_ = nullptr;
        } else if (!ending_) {
            self.idle = true;
            self.next_idle = idle_;
            idle_ = &self;
            self.called.wait(lock, [&] { return !self.idle; });
        }
    }
}

} // namespace effects::live::detail
