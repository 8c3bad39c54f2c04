// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/async/detail/spawned.hpp>
#include <effects/async/task.hpp>

namespace effects::async {

/// What `spawn` may be told about a task.
struct spawn_options {
    /// Shown in reports and traces; of several alike in one parent the later ones have their number too: "worker#2".
    std::string name = {};
    std::size_t stack_size = 0; ///< bytes; 0: what the world's options say (256 KiB unless changed)
    /// Serves the others, and the group does not wait for it: when the body and all tasks that are no daemons have ended, it is cancelled
    /// (`reason::group_ended`), and joined. What it throws counts as any task's failure.
    bool daemon = false;
    /// Where the task is spawned, for debug mode: where the options are written. Without options it is known of functions without arguments.
    std::source_location where = std::source_location::current();
};

namespace detail {
template <class F>
void fork(group& g, F f);
class completions;
} // namespace detail

/// The tasks of one `task_group`, to which more can be added as long as it is open, by its body and by its tasks; all of one thread.
class group {
public:
    group(group const&) = delete;
    group& operator=(group const&) = delete;

    /// Starts `f(args…)` as a task, which runs at once to its first suspension. `f` and the arguments are copied (moved where they
    /// are rvalues) as `std::thread` does it: a lambda that captures a local of the body *by reference* outlives the body, not the
    /// group: declare what it needs before `task_group`.
    ///
    ///     auto t = g.spawn(fetch, "a");                  auto u = g.spawn({.name = "reader"}, [&] { … });
    ///
    /// In a group that is cancelled the task is too: it runs to its first suspension point, and ends there.
    template <class F>
        requires std::is_invocable_v<std::decay_t<F>>
    auto spawn(F&& f, std::source_location where = std::source_location::current()) {
        return spawn(spawn_options{.where = where}, std::forward<F>(f));
    }
    template <class F, class First, class... Args>
        requires std::is_invocable_v<std::decay_t<F>, std::decay_t<First>, std::decay_t<Args>...>
    auto spawn(F&& f, First&& first, Args&&... args) {
        return spawn(spawn_options{.where = {}}, std::forward<F>(f), std::forward<First>(first),
                     std::forward<Args>(args)...);
    }
    template <class F, class... Args>
        requires std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>
    auto spawn(spawn_options options, F&& f, Args&&... args) {
        using result = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;
        using made = detail::spawned<result, std::decay_t<F>, std::decay_t<Args>...>;
        static_assert(sizeof(made) <= effects::detail::default_stack_size / 4,
                      "the function and its arguments are too large for their task's stack");
        auto shared = std::make_unique<detail::task_result_of<result>>();
        auto* t = effects::detail::construct_on_stack<made>(detail::acquire_task_stack(options.stack_size), *this,
                                                            *shared, std::forward<F>(f), std::forward<Args>(args)...);
        if (!options.name.empty()) t->be_called(std::move(options.name));
        t->daemon = options.daemon;
        t->spawned_at = options.where;
        task<result> handle(shared.release());
        launch(*t);
        return handle;
    }

    /// Cancels the body and all tasks; the group then ends normally (a body that has a value to return, and was cut short, by
    /// `cancelled`).
    void cancel(reason why = reason::requested) noexcept { scope_.cancel(why); }
    /// Tasks that have not ended, daemons among them.
    std::size_t size() const noexcept { return running_; }

private:
    template <class F>
    friend std::invoke_result_t<F, group&> task_group(F&& f);
    template <class, class, class...>
    friend struct detail::spawned;
    template <class>
    friend struct detail::forked;
    template <class F>
    friend void detail::fork(group& g, F f);
    friend class detail::completions;

    group();
    struct aside {};
    explicit group(aside); // of which the code that follows is not a part: a failure does not cancel that
    ~group();
    void pin();
    void launch(detail::task_base& task);
    void task_ended(detail::task_base const& task, detail::ending how) noexcept;
    void body_threw(); // in a catch block
    void join();
    void wait_for_an_end(char const* what, void const* on); // of one of its tasks; cancellable
    void finish(bool has_result);
    [[noreturn]] void throw_error();

    detail::scope scope_;
    effects::detail::frame* top_; // the handlers that its tasks start with
    effects::detail::fiber* pinned_;
    std::size_t running_ = 0;
    std::size_t daemons_ = 0; // of these
    detail::waiter* joiner_ = nullptr;
    std::exception_ptr error_; // the first
    std::vector<std::exception_ptr> others_;
    std::exception_ptr body_cancelled_;
    bool cut_short_ = false;    // one of its tasks, by a cancellation
    bool tell_of_each_ = false; // the joiner, of each task that ends
};

/// Runs `f(group&)`, and returns its value when all tasks that were spawned in the group have ended.
///
///     async::task_group([&](async::group& g) {
///         g.spawn(fetch, "a");
///         g.spawn(fetch, "b");
///     });                                   // both have ended here, whatever happened
///
/// The first exception of a task or of the body cancels the others, and leaves `task_group` when they have ended; an `effects::error` then says
/// what else failed, "refused (and 1 more failed: connection lost)", and `suppressed_failures()` gives it, whatever was thrown.
/// Cancelling the caller cancels all of them, and leaves as `cancelled` where it cut one of them short (that is no daemon); else its value is given, and
/// the next suspension point throws. Tasks run under the handlers in force here.
template <class F>
std::invoke_result_t<F, group&> task_group(F&& f) {
    using result = std::invoke_result_t<F, group&>;
    group g;
    effects::detail::kept<result> value;
    try {
        value.take_from([&]() -> result { return std::forward<F>(f)(g); });
    } catch (...) {
        g.body_threw();
    }
    g.join();
    g.finish(std::is_void_v<result> || static_cast<bool>(value));
    return value.take();
}

/// What failed besides, in the order of the failures, when a group of this task (`task_group`, `all`, `map` …) threw last: for its catch clause.
///
///     try { async::map(urls, fetch); }
///     catch (std::exception const& first) { for (auto& other : async::suppressed_failures()) report(first, other); }
///
/// Where the exception leaves a task as it is, those of the group that the task belongs to have these among them. Of the one that has left a
/// world's `run`: outside, on the thread that called `run`, until the next one.
std::vector<std::exception_ptr> suppressed_failures();

namespace detail {

template <class Result, class F, class... Args>
spawned<Result, F, Args...>::spawned(group& g, task_result_of<Result>& r, auto&& f, auto&&... args)
    : task_base(*current_task().home, &current_task(), &g.scope_), owner(g), result(r) {
    call.emplace(std::forward<decltype(f)>(f), std::forward<decltype(args)>(args)...);
    run = &spawned::run_it;
    destroy = &spawned::destroy_it;
    top = g.top_;
    ++result.holders;
    result.running = this;
}

template <class Result, class F, class... Args>
void spawned<Result, F, Args...>::run_it(core::fiber* f) noexcept {
    auto& self = *static_cast<spawned*>(f);
    ending how = run_to_the_end(self, [&] {
        self.result.value.take_from([&]() -> Result {
            return std::apply([](auto&... parts) -> Result { return std::invoke(std::move(parts)...); }, *self.call);
        });
    });
    self.call.reset(); // in the task, under its handlers
    self.result.ended(self, how);
    self.state = state_type::ended;
    self.owner.task_ended(self, std::move(how));
}

template <class Result, class F, class... Args>
void spawned<Result, F, Args...>::destroy_it(task_base* t) noexcept {
    auto* self = static_cast<spawned*>(t);
    auto* result = &self->result;
    core::stack block = core::take_stack(*self);
    std::destroy_at(self);
    core::release_stack(block);
    if (--result->holders == 0) delete result;
}

template <class F>
forked<F>::forked(group& g, F&& f) : task_base(*current_task().home, &current_task(), &g.scope_), owner(g) {
    call.emplace(std::move(f));
    run = &forked::run_it;
    destroy = &forked::destroy_it;
    top = g.top_;
}

template <class F>
void forked<F>::run_it(core::fiber* f) noexcept {
    auto& self = *static_cast<forked*>(f);
    ending how = run_to_the_end(self, *self.call);
    self.call.reset();
    look_at_end(self, how);
    self.state = state_type::ended;
    self.owner.task_ended(self, std::move(how));
}

template <class F>
void forked<F>::destroy_it(task_base* t) noexcept {
    auto* self = static_cast<forked*>(t);
    core::stack block = core::take_stack(*self);
    std::destroy_at(self);
    core::release_stack(block);
}

// `spawn` for those that keep results and errors themselves: nothing is allocated but the stack.
template <class F>
void fork(group& g, F f) {
    g.launch(*core::construct_on_stack<forked<F>>(acquire_task_stack(0), g, std::move(f)));
}

} // namespace detail
} // namespace effects::async
