// SPDX-License-Identifier: BSL-1.0
#include <effects/live/detail/runtime_core.hpp>

#include <utility>

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
    // However the group is left, for the handlers may fail at any time: from then on the loop may go.
    struct takes_submissions {
        runtime_core& core;
        explicit takes_submissions(runtime_core& c) : core(c) { set(async::detail::current_task().home); }
        ~takes_submissions() { set(nullptr); }
        void set(async::detail::scheduler* loop) {
            std::lock_guard lock(core.mutex_);
            core.loop_ = loop;
        }
    } const while_here{*this};
    async::task_group([&](async::group& g) {
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
            for (auto& work : now) begin(g, std::move(work));
        }
        g.cancel(async::reason::shutdown);
    });
}

// One that can't begin (no memory for its stack, say) is refused, and the others go on.
void runtime_core::begin(async::group& g, std::unique_ptr<submission> work) noexcept {
    try {
        g.spawn([&work] { std::exchange(work, nullptr)->run(); }); // runs at once
    } catch (async::cancelled const& c) {
        if (work) work->refuse(as_exception(c));
    } catch (...) {
        if (work) work->refuse(std::current_exception());
    }
}

void runtime_core::submit(std::unique_ptr<submission> work) {
    std::lock_guard lock(mutex_);
    if (over_ || ending_) {
        std::string message = "submit to a live::runtime that has ended";
        try {
            if (ended_by_) std::rethrow_exception(ended_by_);
        } catch (std::exception const& e) {
            message.append(": ").append(e.what());
        } catch (...) { // it said nothing
        }
        throw shut_down(message);
    }
    submitted_.push_back(std::move(work)); // one that comes while the runtime ends by itself is refused at its end
    if (submitted_.size() == 1 && loop_) loop_->post([this] { changed_.set(); });
}

void runtime_core::end(std::exception_ptr why) noexcept {
    std::vector<std::unique_ptr<submission>> left;
    {
        std::lock_guard lock(mutex_);
        over_ = true;
        ended_by_ = why;
        left.swap(submitted_);
    }
    for (auto& work : left)
        work->refuse(why ? why : std::make_exception_ptr(shut_down("the task never began: its runtime ended")));
}

void runtime_core::ask_to_end() noexcept {
    std::lock_guard lock(mutex_);
    if (loop_ && !ending_) loop_->post([this] { changed_.set(); });
    ending_ = true;
}

void runtime_core::stop() noexcept {
    ask_to_end();
    std::lock_guard lock(joining_);
    if (thread_.joinable()) thread_.join();
}

} // namespace effects::live::detail
