// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <vector>

#include <effects/os/clock.hpp>
#include <effects/os/env.hpp>
#include <effects/os/files.hpp>
#include <effects/os/log.hpp>
#include <effects/os/programs.hpp>
#include <effects/os/random.hpp>

/// The machine's answers to `os`. `live::run` and `live::runtime` install them all, outermost; to use one by itself, outside a world
/// too, pass it to `handle`: `effects::handle(body, live::system_files{})`. Any thread.
namespace effects::live {

/// The machine's clocks.
class system_clock {
public:
    using operations = effects::operations<os::operations::system_now, os::operations::steady_now>;

    os::system_time operator()(os::operations::system_now const&) const noexcept;
    os::steady_time operator()(os::operations::steady_now const&) const noexcept;
};

/// The kernel's random numbers (getrandom(2)): unpredictable, and different in a forked child.
class system_random {
public:
    using operations = effects::operations<os::operations::random_bits>;

    std::uint64_t operator()(os::operations::random_bits const&) const;
};

/// The process's environment and arguments. The C library's own rule holds: nobody may change the environment (setenv) meanwhile.
class system_env {
public:
    using operations = effects::operations<os::operations::variable, os::operations::arguments>;

    std::optional<std::string> operator()(os::operations::variable const& op) const;
    std::vector<std::string> operator()(os::operations::arguments const&) const;
};

/// How a log that goes to this descriptor is best written: coloured on a terminal, but `text` there where the variable NO_COLOR is not empty
/// (no-color.org) or TERM is unset, empty or "dumb"; JSON where it is no terminal.
os::log_format log_format_for(int descriptor) noexcept;

/// Writes lines to standard error, as `os::log_to` does, each by one call. A line that cannot be written (nobody reads the pipe any
/// more, say) is lost.
///
///     live::run(body, live::stderr_log(os::level::debug));                         // the form that `log_format_for` gives
///     live::run(body, live::stderr_log(os::level::info, os::log_format::json));    // JSON, even on a terminal
class stderr_log {
public:
    using operations = effects::operations<os::operations::log>;

    /// Drops what is below `least`. Whether standard error is a terminal is looked at here, once.
    explicit stderr_log(os::level least = os::level::info) noexcept;
    stderr_log(os::level least, os::log_format format) noexcept : least_(least), format_(format) {}

    void operator()(os::operations::log const& line) const;

private:
    os::level least_;
    os::log_format format_;
};

/// The machine's files. The work is done by `async::blocking`: inside a world it suspends the task only, and what has begun is finished
/// before a cancellation is heard (but for reading, and waiting for a pipe or a terminal, which stop early). Replacing goes through a hidden file, ".effects-…", beside the one that is
/// replaced, which a crash in its midst leaves behind; owner (where the process may) and mode are kept, ACLs are not.
class system_files {
public:
    using operations = os::detail::file_operations;

    std::string operator()(os::operations::read_text const& op) const;
    void operator()(os::operations::write_text const& op) const;
    void operator()(os::operations::append_text const& op) const;
    std::vector<std::string> operator()(os::operations::list_directory const& op) const;
    void operator()(os::operations::make_directories const& op) const;
    bool operator()(os::operations::remove const& op) const;
    void operator()(os::operations::rename const& op) const;
    void operator()(os::operations::sync const& op) const;
    bool operator()(os::operations::exists const& op) const;
};

/// The machine's programs, each in a process group of its own, which is what a stop is sent to. Inside a world the task waits for them,
/// elsewhere the thread. A program gets none of this process's descriptors (with a C library from before glibc 2.34: those that don't close on
/// exec), no blocked signals, and SIGPIPE's default. Where this process ignores SIGCHLD, or reaps children that it does not know, the end
/// of a program can't be told (`std::errc::no_child_process`).
class system_programs {
public:
    using operations = effects::operations<os::operations::run>;

    os::completed operator()(os::operations::run const& op) const;
};

} // namespace effects::live
