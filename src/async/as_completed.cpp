// SPDX-License-Identifier: BSL-1.0
#include <effects/async/as_completed.hpp>

#include <stdexcept>

namespace effects::async::detail {

completions::completions(std::size_t limit) : room_(limit) { check_limit(limit); }

void completions::begin() {
    if (std::exchange(begun_, true))
        throw std::logic_error("async::as_completed was looped over a second time: make another one");
}

bool completions::wait_for_more() {
    if (over_) return false;
    if (failed() || tasks_.size() == 0) {
        tasks_.join();
        over_ = true;
        tasks_.finish(true);
        return false;
    }
    tasks_.wait_for_an_end("as_completed", this);
    return true;
}

void completions::break_off() noexcept {
    tasks_.cancel(reason::group_ended);
    tasks_.join();
}

} // namespace effects::async::detail
