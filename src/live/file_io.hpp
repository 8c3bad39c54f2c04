// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <pthread.h>
#include <sys/types.h>
#include <unistd.h>

// Whole files and random bytes by the system's calls, for the machine's handlers of `os`.
namespace effects::live::file_io {

// An open file. What closing it says is lost, but for `close`.
class descriptor {
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int number() const noexcept { return fd_; }
    bool close() noexcept {
        return ::close(std::exchange(fd_, -1)) == 0 || errno == EINTR;
    } // Linux: closed all the same

private:
    int fd_;
};

// What is done to which path, for the errors.
struct task {
    char const* verb;
    std::string const& path;

    [[noreturn]] void fail(int code = errno) const; // throws os::error
};

char const* checked(task const& doing); // its path, for the system

int open_file(char const* path, int flags, mode_t mode = 0);

// Makes waits for a pipe's other end, or a terminal, end soon.
class hurry {
public:
    hurry() = default;
    hurry(hurry const&) = delete;
    hurry& operator=(hurry const&) = delete;
    ~hurry();

    // From any thread.
    void up() noexcept;
    bool is_up() const noexcept { return hurried_; }
    void check(task const& doing) const;

    // Until `fd` is ready, or -1 of it and `milliseconds` are over.
    void wait(task const& doing, int fd, short events, int milliseconds = -1);

private:
    int bell() noexcept;

    std::mutex mutex_;
    std::atomic<bool> hurried_ = false;
    int bell_ = -1;
};

// A pipe whose reader has gone is an error of this write, and no reason to end the process.
class no_sigpipe {
public:
    no_sigpipe() noexcept {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    no_sigpipe(no_sigpipe const&) = delete;
    no_sigpipe& operator=(no_sigpipe const&) = delete;
    ~no_sigpipe() {
        if (sigismember(&before_, SIGPIPE) == 1) return;
        int const saved = errno;
        timespec const at_once{};
        if (broken_)
            while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = saved;
    }
    void broken() noexcept { broken_ = true; } // a signal is pending

private:
    sigset_t pipe_;
    sigset_t before_;
    bool broken_ = false;
};

// False, with errno, when it can't; where it would block, `wait` is called.
template <class Wait>
bool write_all(int fd, std::string_view text, Wait wait) {
    no_sigpipe guard;
    while (!text.empty()) {
        ssize_t const n = ::write(fd, text.data(), text.size());
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
        if (n >= 0 || errno == EINTR) continue;
        if (errno == EPIPE) guard.broken();
        if (errno != EAGAIN || !wait()) return false;
    }
    return true;
}
inline bool write_all(int fd, std::string_view text) {
    return write_all(fd, text, [] { return false; });
}

std::string read_whole(task const& doing, hurry& stop);

void draw(void* to, std::size_t size); // random bytes, from the kernel

} // namespace effects::live::file_io
