// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace effects::live::detail {

// Something for a worker thread to do. Belongs to whoever submits it, until `run` begins.
class job {
public:
    virtual ~job() = default;
    virtual void run() noexcept = 0;

private:
    friend class worker_pool;
    job* next_ = nullptr;
};

// At most `most` threads, started when there is work and none is idle. First in, first out.
class worker_pool {
public:
    explicit worker_pool(std::size_t most);
    worker_pool(worker_pool const&) = delete;
    worker_pool& operator=(worker_pool const&) = delete;
    ~worker_pool(); // when all that was submitted has been done

    void submit(job& work); // from any thread; throws when not even one thread can be started

private:
    void work();

    std::size_t const most_;
    std::mutex mutex_;
    std::condition_variable changed_;
    job* first_ = nullptr;
    job* last_ = nullptr;
    std::size_t waiting_ = 0; // jobs
    std::size_t idle_ = 0;    // threads
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

// Runs `work` on a thread that nobody waits for, for what can't be told to stop: it touches nothing but what it owns.
void submit_detached(std::shared_ptr<job> work);

} // namespace effects::live::detail
