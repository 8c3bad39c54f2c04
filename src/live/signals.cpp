// SPDX-License-Identifier: BSL-1.0
#include "signals.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace effects::live::detail {
namespace {

// A process has one disposition a signal, so this is one of the few things that are the process's.
constexpr int watched[] = {SIGINT, SIGTERM};
constexpr std::size_t most_listeners = 64;

// A place's eventfd stays open when its world has ended, for the next one: a handler that runs on another thread just then may
// still write to it, and must not hit a file that has got its number.
struct place {
    std::atomic<int> fd{-1};
    std::atomic<bool> listens{false};
    pid_t made_by = 0; // a forked child has its own
};

std::mutex changing;
std::size_t listeners = 0;
struct sigaction before[std::size(watched)];
bool taken[std::size(watched)];
place places[most_listeners]; // their atomics are all that the handler below may touch
std::atomic<bool> seen{false};

extern "C" void on_shutdown_signal(int number) {
    int const saved = errno;
    if (seen.exchange(true)) {
        std::signal(number, SIG_DFL);
        std::raise(number); // arrives when this handler returns
    } else {
        std::uint64_t const one = 1;
        for (auto const& p : places)
            if (p.listens.load()) [[maybe_unused]]
                auto const size = ::write(p.fd.load(), &one, sizeof one);
    }
    errno = saved;
}

void open(place& p) {
    std::uint64_t rung = 0;
    if (p.fd.load() >= 0 && p.made_by == ::getpid()) {
        [[maybe_unused]] auto const size = ::read(p.fd.load(), &rung, sizeof rung); // meant for the world before
        return;
    }
    int const made = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (made < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    if (int const parents = p.fd.exchange(made); parents >= 0) ::close(parents);
    p.made_by = ::getpid();
}

// A signal that the process was started to ignore (nohup, a shell's background job) stays ignored.
void install() {
    seen.store(false);
    struct sigaction action = {};
    action.sa_handler = &on_shutdown_signal;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < std::size(watched); ++i) {
        sigaction(watched[i], nullptr, &before[i]);
        taken[i] = (before[i].sa_flags & SA_SIGINFO) != 0 || before[i].sa_handler != SIG_IGN;
        if (taken[i]) sigaction(watched[i], &action, nullptr);
    }
}

void put_back() {
    for (std::size_t i = 0; i < std::size(watched); ++i)
        if (taken[i]) sigaction(watched[i], &before[i], nullptr);
}

} // namespace

shutdown_signals::shutdown_signals() {
    std::lock_guard lock(changing);
    auto const free = std::find_if(std::begin(places), std::end(places), [](place const& p) { return !p.listens; });
    if (free == std::end(places))
        throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                                "more than 64 live worlds at once handle signals");
    open(*free);
    place_ = static_cast<std::size_t>(free - std::begin(places));
    free->listens = true;
    if (listeners++ == 0) install();
}

shutdown_signals::~shutdown_signals() {
    std::lock_guard lock(changing);
    if (--listeners == 0) put_back();
    places[place_].listens = false;
}

int shutdown_signals::fd() const noexcept { return places[place_].fd.load(); }

} // namespace effects::live::detail
