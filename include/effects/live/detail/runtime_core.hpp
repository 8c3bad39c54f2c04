// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/async/cancelled.hpp>
#include <effects/async/event.hpp>

namespace effects::async {
class group;
}
namespace effects::async::detail {
class scheduler;
}

namespace effects::live::detail {

// A function that was handed in, and the future that waits for it.
class submission {
public:
    virtual ~submission() = default;
    virtual void run() noexcept = 0; // in a task
    virtual void refuse(std::exception_ptr why) noexcept = 0;
};

std::exception_ptr as_exception(async::cancelled const& c) noexcept; // for those who know nothing of cancellation

template <class F>
class submission_of final : public submission {
public:
    using result = std::invoke_result_t<F&>;

    template <class G>
    explicit submission_of(G&& g) : f_(std::in_place, std::forward<G>(g)) {}

    void run() noexcept override {
        std::exception_ptr error;
        try {
            if constexpr (std::is_void_v<result>) {
                (*f_)();
                f_.reset(); // before anybody who waits goes on
                promise.set_value();
            } else if constexpr (std::is_reference_v<result>) {
                result value = (*f_)();
                f_.reset();
                promise.set_value(value);
            } else {
                result value = (*f_)();
                f_.reset();
                promise.set_value(std::move(value));
            }
            return;
        } catch (async::cancelled const& c) {
            error = as_exception(c);
        } catch (...) {
            error = std::current_exception();
        }
        f_.reset();
        promise.set_exception(std::move(error));
    }

    void refuse(std::exception_ptr why) noexcept override {
        f_.reset();
        promise.set_exception(std::move(why));
    }

    std::promise<result> promise;

private:
    std::optional<F> f_;
};

// A runtime without its handlers: the thread, and the way from other threads into its tasks.
class runtime_core {
public:
    // `run(body)` runs `body` in a world, under the handlers.
    explicit runtime_core(std::function<void(std::function<void()> const& body)> run);
    ~runtime_core() { stop(); }

    void submit(std::unique_ptr<submission> work);
    void ask_to_end() noexcept;
    void stop() noexcept; // asks, and waits

private:
    void main_task();
    static void begin(async::group& g, std::unique_ptr<submission> work) noexcept;
    void end(std::exception_ptr why) noexcept;

    std::mutex mutex_; // guards what follows, up to the blank line
    std::vector<std::unique_ptr<submission>> submitted_;
    async::detail::scheduler* loop_ = nullptr; // while the main task takes submissions
    bool over_ = false;
    std::exception_ptr ended_by_;
    bool ending_ = false;

    async::event changed_; // the loop's
    std::promise<void> started_;
    bool has_started_ = false;
    std::function<void(std::function<void()> const&)> run_;
    std::mutex joining_;
    std::thread thread_;
};

} // namespace effects::live::detail
