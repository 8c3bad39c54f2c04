// SPDX-License-Identifier: BSL-1.0
#include "crash.hpp"

#include <iostream>
#include <utility>

extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace property {

crash_report* crash_report::present = nullptr;

crash_report::crash_report(std::string how_to_rerun) : how_to_rerun_(std::move(how_to_rerun)) {
    present = this;
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback([] { print(); });
    struct sigaction ours {};
    ours.sa_handler = &met;
    ours.sa_flags = SA_ONSTACK;
    for (std::size_t i = 0; i < std::size(signals); ++i) ::sigaction(signals[i], &ours, &before_[i]);
}

crash_report::~crash_report() {
    for (std::size_t i = 0; i < std::size(signals); ++i) ::sigaction(signals[i], &before_[i], nullptr);
    present = nullptr;
}

// It may not be safe to print after a crash, but there is nothing to lose.
void crash_report::print() noexcept {
    crash_report const* const report = std::exchange(present, nullptr);
    if (!report || !report->running_) return;
    std::cerr << "\nended while it ran this program:\n"
              << *report->running_ << "\nto make it smaller: " << report->how_to_rerun_ << std::endl;
}

void crash_report::met(int signal) noexcept {
    crash_report const* const report = present;
    print();
    if (!report) return;
    for (std::size_t i = 0; i < std::size(signals); ++i) ::sigaction(signals[i], &report->before_[i], nullptr);
    ::raise(signal);
}

} // namespace property
