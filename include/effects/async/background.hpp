// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include <effects/async/event.hpp>
#include <effects/async/group.hpp>
#include <effects/async/time.hpp>
#include <effects/operation.hpp>
#include <effects/perform.hpp>

namespace effects::async {

/// What `detach` performs; `background` answers it.
struct detached {
    using result_type = void;
    static constexpr bool replayable = false;
    spawn_options options;
    std::function<void()> body;
};

/// How a `background` ends, and what it does with failures.
struct background_options {
    /// So long may what was detached go on when the world's body has ended; what has not ended then is cancelled (`reason::group_ended`).
    duration drain = duration::zero();
    /// Called with what a detached task throws, in it. None: a failure ends the world's body, as that of any task ends its group's.
    std::function<void(std::exception_ptr)> on_error = {};
};

/// Lets tasks outlive the call that starts them, within one run of a world: a handler of `detach` for `live::run` and `sim::run`, which joins
/// what was detached before it returns. Give it before the handlers that detached tasks use: it stops before they do.
///
///     live::run(serve, async::background{{.drain = 5s}}, http::client{});
///     …   async::detach([copy = order] { send_mail(copy); });          // anywhere in it
///
/// Detached tasks run under the handlers of that run: not under those that are installed further in, nor in the time limits of who detaches
/// them.
class background {
public:
    using operations = effects::operations<detached>;

    background() = default;
    explicit background(background_options how) : how_(std::move(how)) {}

    void operator()(detached const& op);
    void start(group& services);
    void stop();

private:
    struct state {
        group* tasks = nullptr;
        std::size_t running = 0;
        bool started = false;
        event stopping, drained, ended;
    };
    void run_one(std::function<void()> const& body);

    background_options how_;
    std::unique_ptr<state> state_ =
        std::make_unique<state>(); // stays where it is: handlers move until they are installed
};

/// Starts `f(args…)` as a task that nobody waits for but the world's run that it is part of: the run needs a `background` among its handlers,
/// else this throws `unhandled_operation`. It runs at once to its first suspension; `f` and the arguments are copied or moved, as `std::thread` does
/// it: nothing in the caller outlives it for certain. Once that run ends it is an `effects::error` (`std::errc::operation_canceled`);
/// on another thread than the run's own, a `std::logic_error`. Cancelling who detaches it does not cancel it.
///
///     async::detach({.name = "mail"}, send_mail, order);
template <class F, class... Args>
    requires std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>
void detach(spawn_options options, F&& f, Args&&... args) {
    struct call {
        std::decay_t<F> f;
        std::tuple<std::decay_t<Args>...> arguments;
    };
    auto kept = std::make_shared<call>(call{std::forward<F>(f), {std::forward<Args>(args)...}});
    perform(detached{std::move(options), [kept = std::move(kept)] {
                         std::apply([&](auto&... parts) { std::invoke(std::move(kept->f), std::move(parts)...); },
                                    kept->arguments);
                     }});
}
template <class F, class... Args>
    requires std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>
void detach(F&& f, Args&&... args) {
    detach(spawn_options{.where = {}}, std::forward<F>(f), std::forward<Args>(args)...);
}

} // namespace effects::async
