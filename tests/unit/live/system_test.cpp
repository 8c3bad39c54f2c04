// SPDX-License-Identifier: BSL-1.0
// What files are that are none: pipes, whose other end comes late, or goes.
#include <effects/live/system.hpp>

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include <effects/async/cancelled.hpp>
#include <effects/async/group.hpp>
#include <effects/handle.hpp>
#include <effects/live/run.hpp>
#include <effects/os/error.hpp>
#include <effects/os/files.hpp>
#include <effects/os/log.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace async = effects::async;
namespace live = effects::live;
namespace os = effects::os;

namespace {

class named_pipe {
public:
    named_pipe() {
        std::string name = (std::filesystem::temp_directory_path() / "effects-pipe-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()));
        folder_ = name;
        REQUIRE(::mkfifo(path().c_str(), 0600) == 0);
    }
    ~named_pipe() { std::filesystem::remove_all(folder_); }
    std::string path() const { return folder_ + "/pipe"; }

private:
    std::string folder_;
};

// Runs `f` as a task, and cancels it where it waits. True if it has been cut short there.
template <class F>
bool ends_when_cancelled(F f) {
    bool cut_short = false;
    live::run([&] {
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                try {
                    f();
                } catch (async::cancelled const&) {
                    cut_short = true;
                    throw;
                }
            });
            g.cancel();
        });
    });
    return cut_short;
}

} // namespace

TEST_CASE("reading a pipe that nobody writes to ends when the task is cancelled", "[live][files]") {
    named_pipe pipe;
    int const kept_open = ::open(pipe.path().c_str(), O_RDWR);
    CHECK(ends_when_cancelled([&] { os::read_text(pipe.path()); }));
    ::close(kept_open);
}

TEST_CASE("writing to a pipe that nobody reads ends when the task is cancelled", "[live][files]") {
    named_pipe pipe;
    CHECK(ends_when_cancelled([&] { os::write_text(pipe.path(), "x"); }));
    CHECK(ends_when_cancelled([&] { os::append_text(pipe.path(), "x"); }));

    int const full = ::open(pipe.path().c_str(), O_RDWR); // reads nothing
    CHECK(ends_when_cancelled([&] { os::append_text(pipe.path(), std::string(1 << 20, 'x')); }));
    ::close(full);
}

TEST_CASE("what is written to a pipe comes out at its other end, whoever opens it first", "[live][files][threads]") {
    named_pipe pipe;
    std::string const text(300'000, 'x');
    std::string got;
    std::thread reader([&] {
        int const end = ::open(pipe.path().c_str(), O_RDONLY);
        std::string piece(10'000, ' ');
        for (ssize_t n; (n = ::read(end, piece.data(), piece.size())) > 0;)
            got.append(piece, 0, static_cast<std::size_t>(n));
        ::close(end);
    });
    effects::handle([&] { os::write_text(pipe.path(), text); }, live::system_files{}); // outside any world, too
    reader.join();
    CHECK(got == text);
}

TEST_CASE("a pipe whose reader goes away is an error of the write, and does not end the process",
          "[live][files][threads]") {
    named_pipe pipe;
    ssize_t came = 0;
    std::thread reader([&] {
        int const end = ::open(pipe.path().c_str(), O_RDONLY);
        char byte = 0;
        came = ::read(end, &byte, 1);
        ::close(end);
    });
    std::error_code got;
    try {
        effects::handle([&] { os::append_text(pipe.path(), std::string(1 << 20, 'x')); }, live::system_files{});
    } catch (os::error const& e) {
        got = e.code();
    }
    reader.join();
    CHECK(came == 1);
    CHECK(got == std::errc::broken_pipe);
}

TEST_CASE("logging to a standard error that nobody reads any more does not end the process", "[live][log]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    int const before = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);

    effects::handle(
        [] {
            for (int i = 0; i < 3; ++i) os::log.error("nobody hears it");
        },
        live::stderr_log{});
    sigset_t pending;
    ::sigpending(&pending);

    ::dup2(before, STDERR_FILENO);
    ::close(before);
    CHECK(::sigismember(&pending, SIGPIPE) == 0);
}

namespace {

// Both ends of a terminal that nobody sits at.
class pseudo_terminal {
public:
    pseudo_terminal() : keeper_(::posix_openpt(O_RDWR | O_NOCTTY)) {
        REQUIRE(keeper_ >= 0);
        REQUIRE(::grantpt(keeper_) == 0);
        REQUIRE(::unlockpt(keeper_) == 0);
        terminal_ = ::open(::ptsname(keeper_), O_RDWR | O_NOCTTY);
        REQUIRE(terminal_ >= 0);
    }
    pseudo_terminal(pseudo_terminal const&) = delete;
    pseudo_terminal& operator=(pseudo_terminal const&) = delete;
    ~pseudo_terminal() {
        ::close(terminal_);
        ::close(keeper_);
    }
    int number() const noexcept { return terminal_; }
    std::string shown() const {
        char text[1024];
        auto const size = ::read(keeper_, text, sizeof text);
        return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "";
    }

private:
    int keeper_;
    int terminal_ = -1;
};

class variable_set_to {
public:
    variable_set_to(char const* name, char const* value) : name_(name) {
        if (char const* before = std::getenv(name)) before_ = before;
        value ? ::setenv(name, value, 1) : ::unsetenv(name);
    }
    variable_set_to(variable_set_to const&) = delete;
    variable_set_to& operator=(variable_set_to const&) = delete;
    ~variable_set_to() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

private:
    char const* name_;
    std::optional<std::string> before_;
};

} // namespace

TEST_CASE("a log on a terminal is coloured unless it is asked not to be, and JSON elsewhere", "[live][log]") {
    pseudo_terminal terminal;
    auto format = [&](char const* term, char const* no_color) {
        variable_set_to const kind("TERM", term);
        variable_set_to const plain("NO_COLOR", no_color);
        return live::log_format_for(terminal.number());
    };

    CHECK(format("xterm", nullptr) == os::log_format::coloured);
    CHECK(format("xterm", "") == os::log_format::coloured); // as no-color.org has it
    CHECK(format("xterm", "1") == os::log_format::text);
    CHECK(format("dumb", nullptr) == os::log_format::text);
    CHECK(format(nullptr, nullptr) == os::log_format::text);

    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    CHECK(live::log_format_for(ends[1]) == os::log_format::json);
    ::close(ends[0]);
    ::close(ends[1]);
    CHECK(live::log_format_for(-1) == os::log_format::json);
}

TEST_CASE("the machine's log finds out whether standard error is a terminal, or is told the form", "[live][log]") {
    pseudo_terminal terminal;
    variable_set_to const kind("TERM", "xterm");
    variable_set_to const plain("NO_COLOR", nullptr);
    int const before = ::dup(STDERR_FILENO);
    ::dup2(terminal.number(), STDERR_FILENO);

    effects::handle([] { os::log.warn("slow", {{"ms", 3}}); }, live::stderr_log{});
    std::string const found_out = terminal.shown();
    effects::handle([] { os::log.warn("slow"); }, live::stderr_log(os::level::info, os::log_format::json));
    std::string const told = terminal.shown();

    ::dup2(before, STDERR_FILENO);
    ::close(before);
    CHECK_THAT(found_out, Catch::Contains("\x1B[33mwarn\x1B[0m  slow \x1B[2mms=\x1B[0m3"));
    CHECK_THAT(told, Catch::StartsWith("{\"time\":\"20"));
}
