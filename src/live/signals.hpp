// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <csignal>
#include <cstddef>

#include <pthread.h>

namespace effects::live::detail {

// While one exists, the signals of its purpose make `fd()` readable instead of ending the process. What was installed before comes
// back with the last one. A signal that was ignored before stays so.
class signal_listener {
public:
    enum class purpose : unsigned char {
        shutdown, // SIGINT and SIGTERM; the second one ends the process after all, even if nobody gets to read
        dump,     // SIGUSR1
    };

    explicit signal_listener(purpose of);
    signal_listener(signal_listener const&) = delete;
    signal_listener& operator=(signal_listener const&) = delete;
    ~signal_listener();

    int fd() const noexcept;

private:
    purpose of_;
    std::size_t place_;
};

// For threads of the library's own, which are started while it lives: signals are for the program's.
class signals_blocked {
public:
    signals_blocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    signals_blocked(signals_blocked const&) = delete;
    signals_blocked& operator=(signals_blocked const&) = delete;
    ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

} // namespace effects::live::detail
