// SPDX-License-Identifier: BSL-1.0
#include <effects/async/background.hpp>

#include <stdexcept>

#include <effects/async/outcome.hpp>
#include <effects/async/timeout.hpp>

namespace effects::async {

// The tasks have a group of their own, which ends in `stop`, before the handlers further out are stopped.
void background::start(group& services) {
    state_ = std::make_unique<state>(); // it may be another run
    state& s = *state_;
    s.started = true;
    services.spawn({.name = "background"}, [this, &s] {
        struct over {
            event& ended;
            ~over() { ended.set(); }
        } at_the_end{s.ended};
        task_group([&](group& tasks) {
            struct closed {
                state& s;
                ~closed() { s.tasks = nullptr; }
            } when_it_stops{s};
            s.tasks = &tasks;
            s.stopping.wait();
            if (s.running != 0 && how_.drain > duration::zero())
                (void)try_timeout(how_.drain, [&] { s.drained.wait(); });
            tasks.cancel(reason::group_ended);
        });
    });
}

void background::stop() {
    state_->stopping.set();
    state_->ended.wait();
}

void background::operator()(detached const& op) {
    state& s = *state_;
    if (!s.started)
        throw std::logic_error("async::background was not started: give it to live::run or sim::run, not to handle");
    if (!s.tasks)
        throw error(std::make_error_code(std::errc::operation_canceled),
                    "async::detach came too late: the world's run is ending");
    if (s.running++ == 0) s.drained.reset();
    try {
        (void)s.tasks->spawn(op.options, [this, body = op.body]() mutable {
            struct counted {
                state& s;
                ~counted() {
                    if (--s.running == 0) s.drained.set();
                }
            } one{*state_};
            run_one(std::exchange(body, nullptr));
        });
    } catch (...) {
        if (--s.running == 0) s.drained.set();
        throw;
    }
}

void background::run_one(std::function<void()> const& body) {
    if (!how_.on_error) return body();
    if (std::exception_ptr failed = detail::error_of(body)) how_.on_error(std::move(failed));
}

} // namespace effects::async
