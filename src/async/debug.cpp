// SPDX-License-Identifier: BSL-1.0
#include <effects/async/debug.hpp>

#include <cstdio>
#include <exception>
#include <ostream>
#include <sstream>
#include <utility>

#include <effects/async/detail/debugger.hpp>
#include <effects/async/detail/scheduler.hpp>

#include "told.hpp"

namespace effects::async {

std::string_view to_string(debug_finding finding) noexcept {
    switch (finding) {
    case debug_finding::slow_task:
        return "slow task";
    case debug_finding::swallowed_cancellation:
        return "swallowed cancellation";
    case debug_finding::long_wait:
        return "long wait";
    case debug_finding::lock_over_suspension:
        return "lock over suspension";
    }
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, debug_finding finding) { return out << to_string(finding); }

std::ostream& operator<<(std::ostream& out, debug_report const& r) {
    out << to_string(r.finding) << ": " << r.task;
    if (!r.spawned_at.empty()) out << " (spawned at " << r.spawned_at << ')';
    return out << ' ' << r.details;
}

namespace detail {

namespace {

void write_line(debug_report const& r) {
    std::ostringstream line;
    line << "effects: " << r << '\n';
    std::string const text = std::move(line).str();
    std::fwrite(text.data(), 1, text.size(), stderr);
}

} // namespace

debugger::debugger(debug_options how) : how_(std::move(how)) {
    if (!how_.report) how_.report = write_line;
}

debugger::~debugger() = default;

void debugger::report(debug_report const& r) noexcept {
    try {
        how_.report(r);
    } catch (...) { // that of a run must not depend on who looks on
    }
}

void debugger::report(debug_finding finding, task_base const& task, std::string details) noexcept {
    try {
        report({finding, task.path(), text_of(task.spawned_at), std::move(details)});
    } catch (std::exception const&) { // no memory for the path
    }
}

// ---- waits ----

time_point debugger::next_due() const noexcept { return first_ ? first_->due_ : never; }

void debugger::look(time_point now) noexcept {
    while (first_ && first_->due_ <= now && first_->due_ != never) {
        watched_join& late = *first_;
        remove(late);
        try {
            report(debug_finding::long_wait, late.waits_,
                   "has waited for " + told(how_.long_wait) +
                       " for the tasks of a group: " + describe_group(*late.waits_.home, late.group_));
        } catch (std::exception const&) { // no memory for the text
        }
    }
}

void debugger::push_back(watched_join& j) noexcept {
    j.listed_ = true;
    j.previous_ = last_;
    (last_ ? last_->next_ : first_) = &j;
    last_ = &j;
}

void debugger::remove(watched_join& j) noexcept {
    j.listed_ = false;
    (j.previous_ ? j.previous_->next_ : first_) = j.next_;
    (j.next_ ? j.next_->previous_ : last_) = j.previous_;
}

watched_join::watched_join(debugger& by, task_base& waits, scope const& group) noexcept
    : by_(by), waits_(waits), group_(group), due_(after(waits.home->now(), by.options().long_wait)) {
    by_.push_back(*this);
}

watched_join::~watched_join() {
    if (listed_) by_.remove(*this);
}

// ---- texts ----

std::string text_of(std::source_location where) {
    return where.line() == 0 ? std::string() : std::string(where.file_name()) + ":" + std::to_string(where.line());
}

std::string held_thread_for(duration d, char const* then) {
    if (!then) return "has held its thread for " + told(d) + ", and still does";
    return "held its thread for " + told(d) + ", then " + (*then ? "waited in " : "ended") + then;
}

} // namespace detail
} // namespace effects::async
