// SPDX-License-Identifier: BSL-1.0
#include <effects/live/detail/runtime_core.hpp>

#include <effects/async/detail/scheduler.hpp>
#include <effects/async/group.hpp>
#include <effects/live/shut_down.hpp>

namespace effects::live::detail {

std::exception_ptr as_exception(async::cancelled const& c) noexcept {
    if (c.why() == async::reason::shutdown)
        return std::make_exception_ptr(shut_down("the task was cancelled: its runtime ended"));
    return std::make_exception_ptr(async::task_cancelled("of a runtime", c.why()));
}

runtime_core::runtime_core(std::function<void(std::function<void()> const&)> run) : run_(std::move(run)) {
    std::future<void> started = started_.get_future();
    thread_ = std::thread([this] {
        std::exception_ptr why;
        try {
            run_([this] { main_task(); });
        } catch (async::cancelled const& c) {
            why = as_exception(c);
        } catch (...) {
            why = std::current_exception();
        }
        end(why);
        if (!has_started_) started_.set_exception(why);
    });
    try {
        started.get();
    } catch (...) {
        thread_.join();
        throw;
    }
}

void runtime_core::main_task() {
    async::task_group([&](async::group& g) {
        {
            std::lock_guard lock(mutex_);
            loop_ = async::detail::current_task().home;
        }
        has_started_ = true;
        started_.set_value();
        for (;;) {
            changed_.wait();
            changed_.reset();
            std::vector<std::unique_ptr<submission>> now;
            {
                std::lock_guard lock(mutex_);
                if (ending_) break;
                now.swap(submitted_);
            }
            for (auto& work : now) g.spawn([work = std::move(work)] { work->run(); });
        }
        g.cancel(async::reason::shutdown);
    });
}

void runtime_core::submit(std::unique_ptr<submission> work) {
    std::lock_guard lock(mutex_);
    if (!loop_ || ending_) {
        std::string message = "submit to a live::runtime that has ended";
        try {
            if (ended_by_) std::rethrow_exception(ended_by_);
        } catch (std::exception const& e) {
            message.append(": ").append(e.what());
        } catch (...) { // it said nothing
        }
        throw shut_down(message);
    }
    submitted_.push_back(std::move(work));
    if (submitted_.size() == 1) loop_->post([this] { changed_.set(); });
}

// From here on nothing is posted to the loop, which may be gone.
void runtime_core::end(std::exception_ptr why) noexcept {
    std::vector<std::unique_ptr<submission>> left;
    {
        std::lock_guard lock(mutex_);
        loop_ = nullptr;
        ended_by_ = why;
        left.swap(submitted_);
    }
    for (auto& work : left)
        work->refuse(why ? why : std::make_exception_ptr(shut_down("the task never began: its runtime ended")));
}

void runtime_core::stop() noexcept {
    {
        std::lock_guard lock(mutex_);
        if (loop_ && !ending_) loop_->post([this] { changed_.set(); });
        ending_ = true;
    }
    std::lock_guard lock(joining_);
    if (thread_.joinable()) thread_.join();
}

} // namespace effects::live::detail
