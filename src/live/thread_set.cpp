// SPDX-License-Identifier: BSL-1.0
#include <effects/live/detail/thread_set.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include <effects/async/detail/scope.hpp>
#include <effects/async/detail/waiter.hpp>
#include <effects/detail/handled.hpp>
#include <effects/detail/mirror.hpp>
#include <effects/live/detail/runtime_core.hpp>
#include <effects/live/run.hpp>

namespace effects::live::detail {

namespace core = effects::detail;

struct thread_set::other {
    other(thread_set& set, std::size_t index, options how, core::frame* outside)
        : around(outside, &core::root_frame), runs([this, &set, index, how](std::function<void()> const& body) {
              core::mirrored_frames::in_force const here(around);
              core::frame* const world_lies_in = core::this_thread()->top;
              event_loop& mine = loop.emplace(how);
              mine.belong_to(set, index);
              auto world = world_handlers(mine);
              auto turn = [&](async::detail::task_base& main, bool const& ended) { mine.run_main(main, ended); };
              auto main = [&] {
                  mine.lies_in(innermost_of_world(world_lies_in));
                  body();
              };
              async::detail::run_main(mine, world, turn, main);
          }) {}

    core::mirrored_frames around;
    std::optional<event_loop> loop; // stays until no thread is about to post to it any more
    runtime_core runs;
};

thread_set::thread_set(options const& how, event_loop& main, core::frame* outside) : main_(main) {
    main_.belong_to(*this, 0);
    options others = how;
    others.handle_signals = false;
    others.threads = 1;
    for (std::size_t i = 1; i < how.threads; ++i) others_.push_back(std::make_unique<other>(*this, i, others, outside));
}

// Called when no task of any of them is left.
thread_set::~thread_set() {
    main_.belong_to_none();
    for (auto& o : others_) o->runs.ask_to_end();
    for (auto& o : others_) o->runs.stop();
}

event_loop& thread_set::loop_of(std::size_t thread) const noexcept {
    return thread == 0 ? main_ : *others_[thread - 1]->loop;
}

// Lies on the stack of the task that waits for it, and so does what `op` refers to.
class thread_set::remote_call {
public:
    remote_call(event_loop& home, event_loop& to, async::run_on_thread const& op, core::frame* world)
        // `world` is the loop's own frame, the outermost of the world's.
        : home_(home), to_(to), op_(op), frames_(op.top, world, world_layers - 1),
          deadline_(async::detail::current_task().innermost->deadline()),
          name_(async::detail::current_task().path() + " on thread " + std::to_string(op.thread)) {}

    void wait() {
        async::detail::waiter done("async::on", this);
        auto const end = end_;
        end->sleeper = &done;
        to_.post([this] { begin(); });
        try {
            done.wait();
        } catch (async::cancelled const& c) {
            async::detail::put_back_cancellation(async::detail::current_task());
            pass_on(c.why());
            done.wait_uncancellable();
        }
        if (end->not_begun) std::rethrow_exception(end->not_begun);
    }

private:
    struct meeting {
        async::detail::waiter* sleeper = nullptr; // the caller's thread's
        async::detail::scope* running = nullptr;  // the other thread's, as the two that follow
        std::optional<async::reason> cancelled;
        std::exception_ptr not_begun;
    };

    // At the top of its own stack.
    struct visitor final : async::detail::task_base {
        explicit visitor(remote_call& c) : task_base(c.to_, nullptr, nullptr), call(c) {
            run = [](core::fiber* itself) noexcept {
                auto& self = *static_cast<visitor*>(itself);
                self.call.run();
                self.state = state_type::ended;
            };
            destroy = [](task_base* t) noexcept {
                auto* self = static_cast<visitor*>(t);
                core::stack block = core::take_stack(*self);
                std::destroy_at(self);
                core::release_stack(block);
            };
            top = c.to_.world();
            be_called(c.name_);
        }
        remote_call& call;
    };

    // The rest of the private functions but `pass_on`: on the other thread.
    void begin() noexcept {
        visitor* task = nullptr;
        try {
            if (!to_.world()) throw std::logic_error("async::on(0, …) before the body of the world has begun");
            task = core::construct_on_stack<visitor>(core::acquire_stack(to_.stack_size()), *this);
        } catch (...) {
            end_->not_begun = std::current_exception();
            return tell();
        }
        to_(async::spawn{task});
    }

    void run() noexcept {
        {
            async::detail::scope here(deadline_, false, async::reason::deadline);
            end_->running = &here;
            if (end_->cancelled) here.cancel(*end_->cancelled);
            core::mirrored_frames::in_force const handlers(frames_);
            op_.work();
            end_->running = nullptr;
        }
        tell();
    }

    void tell() noexcept {
        home_.post([end = end_] { end->sleeper->wake(); }); // from here on this call may be gone
    }

    void pass_on(async::reason why) noexcept {
        try {
            to_.post([end = end_, why] {
                end->cancelled = why;
                if (end->running) end->running->cancel(why);
            });
        } catch (std::bad_alloc const&) { // then it is waited for
        }
    }

    event_loop& home_;
    event_loop& to_;
    async::run_on_thread const& op_;
    core::mirrored_frames frames_;
    async::time_point deadline_;
    std::string name_;
    std::shared_ptr<meeting> end_ = std::make_shared<meeting>();
};

void thread_set::run(event_loop& here, async::run_on_thread const& op, core::frame* world) {
    if (op.thread >= size())
        throw std::out_of_range("async::on(" + std::to_string(op.thread) + ", …): this world has " +
                                std::to_string(size()) + " threads, numbered from 0");
    core::refuse_in_unwinding("async::on");
    remote_call(here, loop_of(op.thread), op, world).wait();
}

} // namespace effects::live::detail
