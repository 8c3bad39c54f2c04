// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

#include <effects/os/programs.hpp>

#include "file_io.hpp"

namespace effects::live::detail {

// A child of this process that leads a group, until it is reaped, which this alone does: so its number stays its own, and the group's.
class group_leader {
public:
    explicit group_leader(pid_t pid);
    group_leader(group_leader const&) = delete;
    group_leader& operator=(group_leader const&) = delete;
    ~group_leader() { end(); } // kills the group and reaps the leader, unless `reap` has

    int exit_fd() const noexcept { return exit_fd_; } // readable when it has ended
    void signal_group(int number) const noexcept;
    int reap(os::completed& into) noexcept; // when it has ended; 0 or what was wrong

private:
    void watch_by_thread(int why);
    void end() noexcept;

    pid_t pid_;
    int exit_fd_;
    bool reaped_ = false;
    std::thread watcher_;
};

// A program at work. It moves bytes and takes note of the end where that can be done at once; who drives it waits.
class child_process {
public:
    // Blocks until the system has begun to execute it, or has refused (os::error).
    explicit child_process(os::operations::run const& what);
    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;

    enum class next {
        go_on, // something was done
        wait,  // for `ready_fd` to become readable
        over,
    };
    next step(); // throws os::program_error when there is too much output
    int ready_fd() const noexcept { return ready_.number(); }

    void terminate() noexcept; // asks the group to end; what it writes then may be lost
    void kill() noexcept;      // and does not wait for the output's end any more

    os::completed finish();         // when it is over
    std::string last_words() const; // of one that was stopped, for people

private:
    enum class source : std::uint32_t { input, out, err, exit };
    struct started;
    child_process(os::operations::run const& what, started begun);

    static started start(os::operations::run const& what);
    void watch(int fd, source from, std::uint32_t events);
    void unwatch(file_io::descriptor& fd) noexcept;
    void feed() noexcept;
    void drain(file_io::descriptor& fd, std::string& into);

    group_leader leader_; // first: from its making on, all failures end the program
    os::operations::run const& what_;
    std::string_view unsent_;
    file_io::descriptor ready_; // an epoll set
    file_io::descriptor input_;
    file_io::descriptor out_;
    file_io::descriptor err_;
    std::vector<char> buffer_;
    os::completed result_;
    bool exited_ = false;
    bool stopping_ = false;
    bool killed_ = false;
};

} // namespace effects::live::detail
