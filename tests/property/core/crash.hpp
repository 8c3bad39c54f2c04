// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"

#include <csignal>
#include <string>

namespace property {

// While it lives, a crash prints the program that ran, and how to run it again so that it is made smaller.
class crash_report {
public:
    explicit crash_report(std::string how_to_rerun);
    crash_report(crash_report const&) = delete;
    crash_report& operator=(crash_report const&) = delete;
    ~crash_report();

    void running(program const& p) noexcept { running_ = &p; }

private:
    static void print() noexcept;
    static void met(int signal) noexcept;

    static crash_report* present;
    static constexpr int signals[] = {SIGSEGV, SIGBUS, SIGABRT};
    struct sigaction before_[3];
    program const* running_ = nullptr;
    std::string how_to_rerun_;
};

} // namespace property
