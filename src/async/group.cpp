// SPDX-License-Identifier: BSL-1.0
#include <effects/async/group.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <effects/async/detail/debugger.hpp>
#include <effects/async/detail/scheduler.hpp>
#include <effects/async/scheduler.hpp>
#include <effects/perform.hpp>

namespace effects::async {

// The body can't be captured by a `control` clause further out while there are tasks to join.
group::group() : top_(effects::detail::this_thread()->top), pinned_(effects::detail::this_thread()->running) { pin(); }

group::group(aside)
    : scope_(detail::scope::root_tag{}, detail::current_task(), detail::current_task().innermost),
      top_(effects::detail::this_thread()->top), pinned_(effects::detail::this_thread()->running) {
    pin();
}

void group::pin() {
    effects::detail::refuse_in_unwinding("task_group"); // it could not wait for its tasks there
    detail::refuse_what_waits(detail::current_task(), "task_group");
    if (pinned_) ++pinned_->pinned;
    ++effects::detail::this_thread()->pinned;
}

group::~group() {
    if (pinned_) --pinned_->pinned;
    --effects::detail::this_thread()->pinned;
}

void group::launch(detail::task_base& task) {
    if (detail::task_base const* mine = scope_.owner(); mine && mine->home != task.home) [[unlikely]] {
        std::string const message = "spawn in a task group of another thread (that of task " + mine->path() +
                                    "): use a group that was made on this one, or async::on";
        task.destroy(&task);
        throw std::logic_error(message);
    }
    ++running_;
    if (task.daemon) ++daemons_;
    try {
        perform(effects::async::spawn{&task});
    } catch (...) { // no scheduler answers here
        --running_;
        if (task.daemon) --daemons_;
        task.destroy(&task);
        throw;
    }
}

void group::task_ended(detail::task_base const& task, detail::ending how) noexcept {
    if (how.cut_short && !task.daemon) cut_short_ = true;
    if (how.error) {
        std::unique_ptr<detail::task_base::failures> const& with_it = task.suppressed;
        bool const left_with_others = with_it && with_it->thrown == how.error;
        (error_ ? others_.emplace_back() : error_) = std::move(how.error);
        if (left_with_others) others_.insert(others_.end(), with_it->others.begin(), with_it->others.end());
        scope_.cancel(reason::sibling_failed);
    }
    --running_;
    if (task.daemon) --daemons_;
    if (joiner_ && (running_ == daemons_ || tell_of_each_)) joiner_->wake();
}

void group::body_threw() {
    try {
        throw;
    } catch (cancelled const&) {
        if (scope_.pending())
            body_cancelled_ = std::current_exception();
        else // somebody else's: an error like others, as in a task
            error_ = std::current_exception();
    } catch (...) {
        (error_ ? others_.emplace_back() : error_) = std::current_exception();
    }
    scope_.cancel(reason::sibling_failed);
}

void group::join() {
    if (running_ == 0) return;
    std::optional<detail::watched_join> watched;
    detail::task_base& task = detail::current_task();
    if (detail::debugger* d = task.home->debugging()) [[unlikely]]
        watched.emplace(*d, task, scope_);
    auto wait_while_more_than = [this](std::size_t const& left) {
        while (running_ != left) {
            detail::waiter w("task_group", this);
            joiner_ = &w;
            w.wait_uncancellable();
            joiner_ = nullptr;
        }
    };
    wait_while_more_than(daemons_);
    if (running_ == 0) return;
    if (!scope_.pending())
        scope_.cancel(reason::group_ended); // else they know, and `finish` asks whose cancellation it was
    wait_while_more_than(0);
}

void group::wait_for_an_end(char const* what, void const* on) {
    detail::waiter w(what, on);
    joiner_ = &w;
    tell_of_each_ = true;
    struct back {
        group& self;
        ~back() {
            self.joiner_ = nullptr;
            self.tell_of_each_ = false;
        }
    } guard{*this};
    w.wait();
}

void group::throw_error() {
    constexpr std::size_t most_told = 4;
    std::string told;
    std::vector<std::exception_ptr> besides;
    auto tell = [&](char const* what) {
        if (besides.size() <= most_told) told.append(besides.size() > 1 ? "; " : "").append(what);
    };
    for (std::exception_ptr& other : others_) {
        try {
            std::rethrow_exception(other);
        } catch (effects::detail::unwinding const&) {
            continue; // of the body that all this is part of
        } catch (std::exception const& e) {
            besides.push_back(std::move(other));
            tell(e.what());
        } catch (...) {
            besides.push_back(std::move(other));
            tell("an exception of another kind");
        }
    }
    std::unique_ptr<detail::task_base::failures>& suppressed = detail::current_task().suppressed;
    suppressed.reset();
    if (besides.empty()) std::rethrow_exception(error_);
    std::size_t const count = besides.size();
    if (count > most_told) told.append("; …");
    suppressed = std::make_unique<detail::task_base::failures>();
    suppressed->others = std::move(besides);
    try {
        try {
            std::rethrow_exception(error_);
        } catch (error& e) { // what is none can't be told more
            effects::detail::rethrow_with_note(e, "and " + std::to_string(count) + " more failed: " + told);
        }
    } catch (...) {
        suppressed->thrown = std::current_exception();
        throw;
    }
}

namespace {

// What has left a world with the exception of its main task.
thread_local std::vector<std::exception_ptr> left_a_world;

} // namespace

void detail::keep_suppressed(std::unique_ptr<task_base::failures> of_main) noexcept {
    left_a_world.clear();
    if (of_main) left_a_world = std::move(of_main->others);
}

std::vector<std::exception_ptr> suppressed_failures() {
    detail::task_base const* task = detail::current_task_or_null();
    if (!task) return left_a_world;
    return task->suppressed ? task->suppressed->others : std::vector<std::exception_ptr>();
}

void group::finish(bool has_result) {
    if (error_) {
        detail::put_back_cancellation(detail::current_task()); // it leaves in the place of one
        throw_error();
    }
    detail::scope const& outer = *scope_.parent();
    if (body_cancelled_) {
        if (outer.pending()) throw cancelled(outer.why());
        if (!has_result) std::rethrow_exception(body_cancelled_);
    } else if (cut_short_ && !scope_.cancelled() && outer.pending()) {
        throw cancelled(outer.why()); // or what follows would take half of the work for the whole
    }
}

} // namespace effects::async
