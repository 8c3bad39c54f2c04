// SPDX-License-Identifier: BSL-1.0
#include <effects/os/clock.hpp>

#include <ostream>
#include <stdexcept>

#include <effects/perform.hpp>

namespace effects::os {

system_time detail::system_now_function::operator()(std::source_location where) const {
    return perform(operations::system_now{}, where);
}
steady_time detail::steady_now_function::operator()(std::source_location where) const {
    return perform(operations::steady_now{}, where);
}

namespace operations {
std::ostream& operator<<(std::ostream& out, system_now const&) { return out << "os::system_now"; }
std::ostream& operator<<(std::ostream& out, steady_now const&) { return out << "os::steady_now"; }
} // namespace operations

void manual_clock::advance(std::chrono::nanoseconds by) {
    if (by < by.zero()) throw std::invalid_argument("os::manual_clock::advance: a steady clock does not go back");
    std::lock_guard lock(mutex_);
    system_ += by;
    steady_ += by;
}

void manual_clock::set(system_time now) {
    std::lock_guard lock(mutex_);
    system_ = now;
}

system_time manual_clock::operator()(os::operations::system_now const&) const {
    std::lock_guard lock(mutex_);
    return system_;
}

steady_time manual_clock::operator()(os::operations::steady_now const&) const {
    std::lock_guard lock(mutex_);
    return steady_;
}

} // namespace effects::os
