// SPDX-License-Identifier: BSL-1.0
#include "signals.hpp"

#include <algorithm>
#include <array>
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

constexpr std::size_t most_listeners = 64;

// A place's eventfd stays open when its world has ended, for the next one: a handler that runs on another thread just then may
// still write to it, and must not hit a file that has got its number.
struct place {
    std::atomic<int> fd{-1};
    std::atomic<bool> listens{false};
    pid_t made_by = 0; // a forked child has its own
};

// A process has one disposition a signal, so this is one of the few things that are the process's.
struct watched_signals {
    std::array<int, 2> numbers; // 0: none
    void (*handler)(int);
    std::size_t listeners = 0;
    struct sigaction before[2] = {};
    bool taken[2] = {};
    place places[most_listeners] = {}; // their atomics are all that the handlers below may touch
};

extern "C" void on_shutdown_signal(int number);
extern "C" void on_dump_signal(int number);

std::mutex changing;
constinit watched_signals shutdown_signals{{SIGINT, SIGTERM}, &on_shutdown_signal};
constinit watched_signals dump_signals{{SIGUSR1, 0}, &on_dump_signal};
std::atomic<bool> seen{false}; // one that shuts down

watched_signals& signals_of(signal_listener::purpose of) noexcept {
    return of == signal_listener::purpose::shutdown ? shutdown_signals : dump_signals;
}

void ring_all(watched_signals const& of) noexcept {
    std::uint64_t const one = 1;
    for (auto const& p : of.places)
        if (p.listens.load()) [[maybe_unused]]
            auto const size = ::write(p.fd.load(), &one, sizeof one);
}

extern "C" void on_shutdown_signal(int number) {
    int const saved = errno;
    if (seen.exchange(true)) {
        std::signal(number, SIG_DFL);
        std::raise(number); // arrives when this handler returns
    } else {
        ring_all(shutdown_signals);
    }
    errno = saved;
}

extern "C" void on_dump_signal(int) {
    int const saved = errno;
    ring_all(dump_signals);
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
void install(watched_signals& w) {
    if (&w == &shutdown_signals) seen.store(false);
    struct sigaction action = {};
    action.sa_handler = w.handler;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < w.numbers.size(); ++i) {
        if (w.numbers[i] == 0) continue;
        sigaction(w.numbers[i], nullptr, &w.before[i]);
        w.taken[i] = (w.before[i].sa_flags & SA_SIGINFO) != 0 || w.before[i].sa_handler != SIG_IGN;
        if (w.taken[i]) sigaction(w.numbers[i], &action, nullptr);
    }
}

void put_back(watched_signals& w) {
    for (std::size_t i = 0; i < w.numbers.size(); ++i)
        if (w.taken[i]) sigaction(w.numbers[i], &w.before[i], nullptr);
}

} // namespace

signal_listener::signal_listener(purpose of) : of_(of) {
    watched_signals& w = signals_of(of);
    std::lock_guard lock(changing);
    auto const free = std::find_if(std::begin(w.places), std::end(w.places), [](place const& p) { return !p.listens; });
    if (free == std::end(w.places))
        throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                                "more than 64 live worlds at once handle signals");
    open(*free);
    place_ = static_cast<std::size_t>(free - std::begin(w.places));
    free->listens = true;
    if (w.listeners++ == 0) install(w);
}

signal_listener::~signal_listener() {
    watched_signals& w = signals_of(of_);
    std::lock_guard lock(changing);
    if (--w.listeners == 0) put_back(w);
    w.places[place_].listens = false;
}

int signal_listener::fd() const noexcept { return signals_of(of_).places[place_].fd.load(); }

} // namespace effects::live::detail
