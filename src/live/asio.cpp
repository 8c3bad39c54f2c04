// SPDX-License-Identifier: BSL-1.0
#include <effects/live/asio.hpp>

#include <stdexcept>
#include <string>

#include <effects/async/detail/task_base.hpp>
#include <effects/live/detail/event_loop.hpp>
#include <effects/live/detail/services.hpp>
#include <effects/perform.hpp>

#include "reactor.hpp"

namespace effects::live {

namespace detail {
namespace {

constexpr char const* token_name = "live::use_task";

// A simulated world may lie inside a live one, whose handlers are then in force, too.
event_loop& loop_for(char const* what) {
    event_loop* const loop = perform(reach_loop{});
    async::detail::task_base* const task = async::detail::current_task_or_null();
    if (loop && task && task->home == loop) return *loop;
    throw std::logic_error(std::string(what) + " needs a live world (live::run, live::runtime): " +
                           (task ? "this task's world has no Asio; let a handler answer an operation of yours instead"
                                 : "no task runs on this thread"));
}

event_loop& loop_to_wait_in(int boost_version) {
    if (boost_version != BOOST_VERSION)
        throw std::logic_error("live::use_task: compiled with Boost " + std::to_string(boost_version) +
                               ", but effects::live with Boost " + std::to_string(BOOST_VERSION));
    event_loop& loop = loop_for(token_name);
    // What has begun can't be left, so all that keeps the task from waiting is asked for before.
    effects::detail::refuse_in_unwinding(token_name);
    async::detail::refuse_what_waits(async::detail::current_task(), token_name);
    async::detail::suspension_point(token_name);
    return loop;
}

} // namespace

asio_wait::asio_wait(int boost_version)
    : loop_(loop_to_wait_in(boost_version)), door_(loop_.io().door()), done_(token_name, this) {
    ++door_->awaited;
}

asio_wait::~asio_wait() { --door_->awaited; }

void asio_wait::settle() noexcept {
    if (std::this_thread::get_id() == door_->thread) return done_.wake();
    loop_executor const home(door_); // from where the task is woken on, this may be gone
    home.execute([this] { done_.wake(); });
}

void asio_wait::wait() noexcept {
    try {
        try {
            return done_.wait();
        } catch (async::cancelled const&) {
            async::detail::put_back_cancellation(async::detail::current_task());
        }
        stopped_ = true;
        try {
            stop_.emit(boost::asio::cancellation_type::terminal);
        } catch (...) { // then it is waited for
        }
        done_.wait_uncancellable();
    } catch (...) { // it can't be suspended (no memory for its timer, say): then its thread waits
        while (!done_.woken()) loop_.io().wait(loop_.now(), async::never);
    }
}

void asio_wait::tell_of_cancellation() const {
    if (stopped_) async::detail::suspension_point(token_name);
}

void asio_wait::throw_given_up() {
    throw boost::system::system_error(boost::asio::error::operation_aborted,
                                      "an operation's handler was destroyed without having been called");
}

} // namespace detail

boost::asio::io_context::executor_type executor() {
    return detail::loop_for("live::executor").io().door()->io.get_executor();
}

} // namespace effects::live
