// SPDX-License-Identifier: BSL-1.0
#include "signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace effects::live::detail {
namespace {

// A process has one disposition a signal, so this is one of the few things that are the process's.
constexpr int watched[] = {SIGINT, SIGTERM};
constexpr std::size_t most_listeners = 64;

std::mutex changing;
std::size_t listeners = 0;
struct sigaction before[std::size(watched)];
std::atomic<int> descriptors[most_listeners]; // 0: free; else the descriptor + 1. All that the handler below may touch.
std::atomic<bool> seen{false};

extern "C" void on_shutdown_signal(int number) {
    int const saved = errno;
    if (seen.exchange(true)) {
        std::signal(number, SIG_DFL);
        std::raise(number); // arrives when this handler returns
    } else {
        std::uint64_t const one = 1;
        for (auto const& d : descriptors)
            if (int const fd = d.load() - 1; fd >= 0) [[maybe_unused]]
                auto const size = ::write(fd, &one, sizeof one);
    }
    errno = saved;
}

} // namespace

shutdown_signals::shutdown_signals() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    std::lock_guard lock(changing);
    for (auto& d : descriptors) {
        if (d.load() != 0) continue;
        d.store(fd_ + 1);
        if (listeners++ == 0) {
            seen.store(false);
            struct sigaction action = {};
            action.sa_handler = &on_shutdown_signal;
            action.sa_flags = SA_RESTART;
            for (std::size_t i = 0; i < std::size(watched); ++i) sigaction(watched[i], &action, &before[i]);
        }
        return;
    }
    ::close(fd_);
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "more than 64 live worlds at once handle signals");
}

shutdown_signals::~shutdown_signals() {
    std::lock_guard lock(changing);
    if (--listeners == 0)
        for (std::size_t i = 0; i < std::size(watched); ++i) sigaction(watched[i], &before[i], nullptr);
    for (auto& d : descriptors)
        if (d.load() == fd_ + 1) d.store(0);
    ::close(fd_);
}

} // namespace effects::live::detail
