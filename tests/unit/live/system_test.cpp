// SPDX-License-Identifier: BSL-1.0
// What files are that are none: pipes, whose other end comes late, or goes.
#include <effects/live/system.hpp>

#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>
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
