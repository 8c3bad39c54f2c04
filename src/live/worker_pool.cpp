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
    }
    changed_.notify_all();
    for (std::thread& t : threads_) t.join();
}

void worker_pool::submit(job& work) {
    {
        std::lock_guard lock(mutex_);
        if (waiting_ >= idle_ && threads_.size() < most_) {
            signals_blocked const here;
            try {
                threads_.reserve(threads_.size() + 1);
                threads_.emplace_back([this] { this->work(); });
            } catch (std::system_error const&) {
                if (threads_.empty()) throw; // else those that are there will come to it
            }
        }
        work.next_ = nullptr;
        (last_ ? last_->next_ : first_) = &work;
        last_ = &work;
        ++waiting_;
    }
    changed_.notify_one();
}

void worker_pool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        changed_.wait(lock, [&] { return first_ || ending_; });
        --idle_;
        if (!first_) return;
        job& next = *first_;
        first_ = next.next_;
        if (!first_) last_ = nullptr;
        --waiting_;
        lock.unlock();
        next.run();
        lock.lock();
    }
}

} // namespace effects::live::detail
