// SPDX-License-Identifier: BSL-1.0
#include "file_io.hpp"

#include <algorithm>
#include <cstdint>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <effects/os/error.hpp>

namespace effects::live::file_io {

void task::fail(int code) const { throw os::error(static_cast<std::errc>(code), verb, path); }

char const* checked(task const& doing) {
    if (doing.path.find('\0') != std::string::npos) doing.fail(EINVAL);
    return doing.path.c_str();
}

int open_file(char const* path, int flags, mode_t mode) {
    int fd;
    do fd = ::open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

hurry::~hurry() {
    if (bell_ >= 0) ::close(bell_);
}

void hurry::up() noexcept {
    std::lock_guard lock(mutex_);
    hurried_ = true;
    std::uint64_t const one = 1;
    if (bell_ >= 0) [[maybe_unused]]
        auto const size = ::write(bell_, &one, sizeof one);
}

void hurry::check(task const& doing) const {
    if (is_up()) doing.fail(ECANCELED);
}

void hurry::wait(task const& doing, int fd, short events, int milliseconds) {
    int const bell = this->bell();
    if (bell < 0) doing.fail();
    check(doing);
    pollfd both[] = {{bell, POLLIN, 0}, {fd, events, 0}};
    if (::poll(both, 2, milliseconds) < 0 && errno != EINTR) doing.fail();
    check(doing);
}

// Made when there is something to wait for, which plain files never make one do.
int hurry::bell() noexcept {
    std::lock_guard lock(mutex_);
    if (bell_ < 0) bell_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return bell_;
}

// Between reads it is looked whether to go on: a device may have no end.
std::string read_whole(task const& doing, hurry& stop) {
    // Not waiting for somebody to open a pipe's other end.
    descriptor const file(open_file(checked(doing), O_RDONLY | O_NONBLOCK));
    if (!file) doing.fail();
    struct stat about;
    if (::fstat(file.number(), &about) != 0) doing.fail();
    if (S_ISDIR(about.st_mode)) doing.fail(EISDIR);

    std::string text;
    std::size_t size = 0;
    // One byte more than it should have, to see its end by the first read; /proc's files say that they have none.
    std::size_t step = S_ISREG(about.st_mode) && about.st_size > 0 ? static_cast<std::size_t>(about.st_size) + 1 : 4096;
    while (true) {
        if (text.size() == size) {
            text.resize(size + step);
            step = text.size();
        }
        // At most so much at once that a cancellation is noticed soon.
        ssize_t const n = ::read(file.number(), text.data() + size, std::min(text.size() - size, std::size_t{1} << 24));
        if (n == 0) break;
        if (n > 0)
            size += static_cast<std::size_t>(n);
        else if (errno == EAGAIN)
            stop.wait(doing, file.number(), POLLIN);
        else if (errno != EINTR)
            doing.fail();
        stop.check(doing);
    }
    text.resize(size);
    return text;
}

void draw(void* to, std::size_t size) {
    auto* at = static_cast<char*>(to);
    while (size > 0) {
        ssize_t const n = ::getrandom(at, size, 0);
        if (n < 0) {
            if (errno == EINTR) continue;
            throw os::error(static_cast<std::errc>(errno), "draw random numbers", {});
        }
        at += n;
        size -= static_cast<std::size_t>(n);
    }
}

} // namespace effects::live::file_io
