// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <system_error>
#include <vector>

#include <effects/operation.hpp>
#include <effects/os/error.hpp>

/// Other programs, each run to its end: fed, listened to, and stopped when it takes too long.
namespace effects::os {

/// How a program is run.
struct run_options {
    std::string input = {}; ///< bytes for its standard input; without any, that is at its end at once
    /// Added to this process's environment or, where there is nothing in the place of a value, left out of it.
    std::map<std::string, std::optional<std::string>> env = {};
    bool inherit_env = true;                                ///< false: it gets nothing but `env`
    std::string directory = {};                             ///< where it starts; empty: where this process is
    std::optional<std::chrono::nanoseconds> timeout = {};   ///< of the whole; then it is stopped
    std::size_t max_output = std::size_t{64} * 1024 * 1024; ///< bytes, of `out` and `err` together; then it is stopped
    bool merge_stderr = false; ///< what it says to standard error goes into `out`, in order
    std::chrono::nanoseconds stop_grace = std::chrono::seconds(5); ///< between being asked to stop and being killed

    bool operator==(run_options const&) const = default;
};

/// What became of a program. A status other than 0 is a value, not an error; ask for the exception with `raise_for_status`.
///
///     auto diff = os::run({"diff", "-q", a, b});
///     if (diff.exit_code == 1) return "they differ";
///     diff.raise_for_status();
struct completed {
    int exit_code = 0; ///< what it returned; where a signal killed it 128 more than that, as in a shell
    int signal = 0;    ///< the number of the one that killed it; 0: it returned
    std::string out = {};
    std::string err = {};
    std::string program = {}; ///< by which name it was run

    /// It returned 0.
    bool ok() const noexcept { return exit_code == 0 && signal == 0; }
    /// Throws `os::program_error` unless it is `ok()`.
    completed const& raise_for_status() const&;
    completed raise_for_status() &&;

    bool operator==(completed const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, completed const& c);
};

/// A program ran, and failed; `path()` is its name.
///
///     program_error: "git exited with status 128: fatal: not a git repository"
///     program_error: "sort was killed by signal 9 (SIGKILL)"
///     program_error: "yes was stopped: it wrote more than 65536 bytes (max_output)"
///
/// The text after the status is the last line that it wrote to standard error. `code()` holds the exit code, in `exit_category()`; it is
/// `std::errc::no_buffer_space` where there was too much output.
class program_error : public error {
public:
    program_error(std::error_code code, std::string message, completed result);

    /// All that is known of its end: of one that was stopped, what it wrote before.
    completed const& result() const noexcept { return result_; }
    [[noreturn]] void throw_copy() const override { throw *this; }

private:
    completed result_;
};

/// Of the codes of `program_error`: the values are exit codes.
std::error_category const& exit_category() noexcept;

/// Runs a program (the first of `words`, with the others as its arguments; no shell is in between) and suspends until it has ended
/// and its output, also as held open by what it started, is at its end.
///
///     auto head = os::run({"git", "rev-parse", "HEAD"}, {.directory = repository, .timeout = 10s}).raise_for_status().out;
///     auto sorted = os::run({"sort", "-u"}, {.input = lines, .env = {{"LC_ALL", "C"}}}).raise_for_status().out;
///
/// A name without a slash is looked up in PATH (in that of `env`, where it is there). A program that can't be started is an `os::error`:
/// "cannot run gti: No such file or directory". One that need not read all of its input may leave it.
///
/// A task that is cancelled already, or under a `must_not_suspend` (`std::logic_error`), begins no program. When the task is cancelled later,
/// `timeout` is over (`async::timed_out`, with the program's last words) or there is more output than `max_output` (`os::program_error`), it is
/// stopped with all that it started: asked to (SIGTERM), and after `stop_grace` killed. Only then does this return: nothing runs on, and
/// what the program did until then stays done. Arguments can be read by every user of the machine: secrets go into `input` or `env`.
completed run(std::vector<std::string> words, run_options how = {},
              std::source_location where = std::source_location::current());

namespace operations {

/// What `os::run()` performs.
struct run {
    using result_type = completed;
    std::vector<std::string> words; ///< the program, then its arguments
    run_options options = {};
    bool operator==(run const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, run const& op);
};

} // namespace operations

} // namespace effects::os
