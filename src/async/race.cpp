// SPDX-License-Identifier: BSL-1.0
#include <effects/async/race.hpp>

#include <algorithm>
#include <stdexcept>

#include <effects/async/map.hpp>

namespace effects::async {

namespace {

std::string text_of(std::exception_ptr const& e) {
    try {
        std::rethrow_exception(e);
    } catch (std::exception const& known) {
        return known.what();
    } catch (cancelled const& c) {
        return "cancelled (" + std::string(to_string(c.why())) + ")";
    } catch (...) {
        return "an exception that is not a std::exception";
    }
}

std::string list(std::vector<std::exception_ptr> const& errors) {
    std::string text = errors.size() == 1 ? "the only one failed" : "all " + std::to_string(errors.size()) + " failed";
    for (std::size_t i = 0; i < errors.size(); ++i)
        text.append(i ? "; (" : ": (").append(std::to_string(i + 1)).append(") ").append(text_of(errors[i]));
    return text;
}

std::error_code code_of(std::vector<std::exception_ptr> const& errors) {
    if (!errors.empty()) try {
            std::rethrow_exception(errors.front());
        } catch (error const& e) {
            return e.code();
        } catch (...) {
        }
    return std::make_error_code(std::errc::operation_not_permitted);
}

} // namespace

all_failed::all_failed(std::vector<std::exception_ptr> errors)
    : error(code_of(errors), list(errors)), errors_(std::move(errors)) {}

bool all_failed::transient() const noexcept {
    return std::any_of(errors_.begin(), errors_.end(), [](std::exception_ptr const& failed) {
        try {
            std::rethrow_exception(failed);
        } catch (error const& e) {
            return e.transient();
        } catch (...) {
            return false;
        }
    });
}

void detail::throw_nobody_to_race() { throw std::invalid_argument("race and any need one function at least"); }

void detail::check_limit(std::size_t limit) {
    if (limit == 0)
        throw std::invalid_argument("a limit of 0 would never start anything (async::map, for_each, as_completed)");
}

bool detail::being_cancelled() noexcept {
    task_base* task = current_task_or_null();
    return task && task->innermost->pending();
}

} // namespace effects::async
