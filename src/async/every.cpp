// SPDX-License-Identifier: BSL-1.0
#include <effects/async/every.hpp>

#include <stdexcept>

#include <effects/async/sleep.hpp>

namespace effects::async::detail {

beats::beats(duration period) : period_(period), last_(now()) {
    if (period <= duration::zero()) throw std::invalid_argument("async::every needs a period above zero");
}

void beats::wait_for_next() {
    duration past = now() - last_;
    duration whole = past - past % period_;
    last_ = after(after(last_, whole), period_);
    sleep_until(last_);
}

} // namespace effects::async::detail
