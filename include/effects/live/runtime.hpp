// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include <effects/handlers.hpp>
#include <effects/live/detail/runtime_core.hpp>
#include <effects/live/options.hpp>
#include <effects/live/run.hpp>

namespace effects::live {

/// A live world on a thread of its own, for code that is not ours: any thread hands it functions, which become tasks there, under
/// the runtime's handlers.
///
///     live::runtime rt{http::client{}, sqlite::database{"orders.db"}};
///     std::future<receipt> f = rt.submit([cart] { return place_order(cart); });
///     … f.get() …
///
/// Handlers are kept or borrowed as `handle` does it; those with `start` have started when the constructor returns, which throws
/// what they throw. Handles no signals unless `options` say so. Neither copies nor moves.
class runtime {
public:
    template <handler... Hs>
    explicit runtime(Hs&&... hs) : runtime(options{.handle_signals = false}, std::forward<Hs>(hs)...) {}
    template <handler... Hs>
    explicit runtime(options how, Hs&&... hs)
        : core_([how, all = std::make_shared<decltype(handlers(std::forward<Hs>(hs)...))>(handlers(
                          std::forward<Hs>(hs)...))](std::function<void()> const& body) { run(how, body, *all); }) {}
    runtime(runtime const&) = delete;
    runtime& operator=(runtime const&) = delete;
    /// As `stop`. Not in one of its own tasks.
    ~runtime() = default;

    /// From any thread: runs `f()` as a task. The future gets its value, or what it throws; `live::shut_down` when the runtime's end
    /// cancelled it. Throws `live::shut_down` when the runtime has ended.
    ///
    /// Don't wait for the future in a task of the same runtime, whose only thread that would block.
    template <class F>
        requires std::is_invocable_v < std::decay_t<F>
    & > auto submit(F&& f) {
        using made = detail::submission_of<std::decay_t<F>>;
        auto work = std::make_unique<made>(std::forward<F>(f));
        auto answer = work->promise.get_future();
        core_.submit(std::move(work));
        return answer;
    }

    /// Cancels the tasks that have not ended (reason: shutdown), waits for them, stops the handlers, ends the thread. What was submitted
    /// and not begun never begins. Twice is fine.
    void stop() noexcept { core_.stop(); }

private:
    detail::runtime_core core_;
};

} // namespace effects::live
