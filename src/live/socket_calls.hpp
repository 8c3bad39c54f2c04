// SPDX-License-Identifier: BSL-1.0
// What streams', listeners' and datagrams' calls have in common.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

#include <effects/async/detail/task_base.hpp>
#include <effects/async/sleep.hpp>
#include <effects/live/detail/event_loop.hpp>
#include <effects/net/error.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include "address.hpp"

namespace effects::live::detail {

// Calls that succeed at once, one after the other, would keep the thread: every so many let others run.
inline constexpr unsigned most_in_a_row = 32;

inline net::error closed_here(char const* what) {
    return net::error(net::errc::closed, std::string(what) + " was closed on this side");
}
inline net::error closed_here(char const* what, std::string const& doing) {
    net::error e = closed_here(what);
    e.add_context(doing);
    return e;
}

inline void set_option(int fd, int level, int name, int value) {
    if (::setsockopt(fd, level, name, &value, sizeof value) != 0) throw system_error(errno);
}

// A suspension point begins: here a cancellation arrives, and a stranger's thread is found out.
inline void enter(event_loop& loop, unsigned& in_a_row) {
    async::detail::task_base& task = async::detail::current_task();
    if (task.home != &loop)
        throw std::logic_error("a socket belongs to the event loop that opened it; another one's task used it");
    async::detail::throw_if_cancelled(task);
    if (in_a_row >= most_in_a_row) {
        in_a_row = 0;
        async::yield();
    }
}

// Until a `descriptor` takes it.
class owned_fd {
public:
    explicit owned_fd(int fd) : fd_(fd) {
        if (fd < 0) throw system_error(errno);
    }
    owned_fd(owned_fd const&) = delete;
    owned_fd& operator=(owned_fd const&) = delete;
    ~owned_fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

} // namespace effects::live::detail
