// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>

namespace effects::live::detail {

// Something for a worker thread to do. Belongs to whoever submits it, until `run` begins.
class job {
public:
    virtual ~job() = default;
    virtual void run() noexcept = 0;

private:
    friend class worker_pool;
    bool queued_ = false;
    job* previous_ = nullptr;
    job* next_ = nullptr;
};

// At most `most` threads, started when there is work and none is idle. First in, first out; of the idle threads the one that
// worked last is called, since its caches are warm.
class worker_pool {
public:
    explicit worker_pool(std::size_t most);
    worker_pool(worker_pool const&) = delete;
    worker_pool& operator=(worker_pool const&) = delete;
    ~worker_pool(); // when all that was submitted has been done

    void submit(job& work); // from any thread; throws when not even one thread can be started
    // Takes it back if no thread has it yet; true: it is never run.
    bool withdraw(job& work) noexcept;

private:
    struct worker {
        std::thread thread;
        std::binary_semaphore called{0}; // not a condition: who is woken needs no lock
        job* given = nullptr;            // what it is called for; null: the end
        worker* next_idle = nullptr;
    };

    void call(worker& w, job* to_do) noexcept;
    void take_out(job& work) noexcept; // of the queue
    bool start_with(job& work);
    void work(worker& self);

    std::size_t const most_;
    std::mutex mutex_;
    job* first_ = nullptr; // that no thread has yet
    job* last_ = nullptr;
    worker* idle_ = nullptr;
    bool ending_ = false;
    std::list<worker> workers_;
};

// Runs `work` on a thread that nobody waits for, for what can't be told to stop: it touches nothing but what it owns.
void submit_detached(std::shared_ptr<job> work);

} // namespace effects::live::detail
