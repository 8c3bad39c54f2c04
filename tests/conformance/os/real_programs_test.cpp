// SPDX-License-Identifier: BSL-1.0
// What only real processes show: what they inherit, what is left of them, and what they do to one another.
#include "systems.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace os = effects::os;
namespace live = effects::live;
namespace async = effects::async;
using systems::code_of;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] auto const& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG | __WALL) != -1 || errno != ECHILD; }

// Once by a task, once by the thread. Leaves no child, and no descriptor.
template <class F>
void on_the_machine(F f) {
    systems::temporary_folder folder;
    std::size_t const before = open_descriptors();
    SECTION("in a world") {
        live::run({.handle_signals = false}, [&] { f(folder.path()); });
    }
    SECTION("in none") {
        effects::handle([&] { f(folder.path()); }, live::system_programs{}, live::system_files{});
    }
    CHECK(open_descriptors() == before);
    CHECK_FALSE(has_children());
}

template <class F>
void in_a_world(F f) {
    systems::temporary_folder folder;
    std::size_t const before = open_descriptors();
    live::run({.handle_signals = false}, [&] { f(folder.path()); });
    CHECK(open_descriptors() == before);
    CHECK_FALSE(has_children());
}

os::completed shell(std::string script, os::run_options how = {}) {
    return os::run({"sh", "-c", std::move(script)}, std::move(how));
}

// Not there, or dead and left for somebody else to reap. A process that was killed may take a moment to go.
bool ends(std::string const& pid) {
    for (int i = 0; i < 2000; ++i) {
        std::ifstream about("/proc/" + pid + "/stat");
        std::string const line(std::istreambuf_iterator<char>(about), {});
        auto const name_end = line.rfind(')');
        if (name_end == line.npos || name_end + 2 >= line.size()) return true;
        if (line[name_end + 2] == 'Z' || line[name_end + 2] == 'X') return true;
        std::this_thread::sleep_for(1ms);
    }
    return false;
}

// The line in a file, once it is whole; empty before that.
std::string line_in(std::string const& path) {
    std::string text = os::exists(path) ? os::read_text(path) : "";
    return text.empty() || text.back() != '\n' ? "" : text.substr(0, text.size() - 1);
}

std::string line_that_comes(std::string const& path) {
    while (line_in(path).empty()) async::sleep_for(1ms);
    return line_in(path);
}

void make_script(std::string const& path, std::string const& text, ::mode_t mode = 0755) {
    os::write_text(path, "#!/bin/sh\n" + text);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

} // namespace

TEST_CASE("a hundred megabytes go through a program", "[os][programs][live]") {
    in_a_world([](std::string const&) {
        std::string input(100'000'000, 'x');
        for (std::size_t i = 0; i < input.size(); i += 4099) input[i] = static_cast<char>('a' + i % 23);

        auto const result = os::run({"cat"}, {.input = input, .max_output = 200'000'000});

        CHECK(result.ok());
        CHECK((result.out == input)); // in parentheses: printing it would take long
    });
}

TEST_CASE("a program that fills both of its outputs in turn does not hang", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        auto const result =
            shell("for i in 1 2 3; do head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; done; cat",
                  {.input = std::string(300'000, 'x')});

        CHECK(result.out.size() == 1'200'000);
        CHECK(result.err.size() == 900'000);
    });
}

TEST_CASE("a program need not read its input", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        std::string const input(10'000'000, 'x');

        CHECK(os::run({"head", "-c", "3"}, {.input = input}).out == "xxx");
        CHECK(os::run({"true"}, {.input = input}).ok());
        CHECK(shell("exec <&-; echo closed", {.input = input}).out == "closed\n");
    });
}

TEST_CASE("a program without an input reads from /dev/null", "[os][programs][live]") {
    on_the_machine([](std::string const&) { CHECK(shell("readlink /proc/self/fd/0").out == "/dev/null\n"); });
}

TEST_CASE("a program that never stops writing is stopped", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        CHECK_THROWS_WITH(os::run({"yes"}, {.max_output = 100'000}),
                          "yes was stopped: it wrote more than 100000 bytes (max_output)");
        CHECK_THROWS_AS(shell("trap '' TERM; yes", {.max_output = 100'000, .stop_grace = 1ms}), os::program_error);
    });
}

TEST_CASE("the environment is this one's, with changes, or none of it", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        ::setenv("EFFECTS_TEST_A", "old", 1);
        ::setenv("EFFECTS_TEST_B", "old", 1);
        std::string const print = "echo \"$EFFECTS_TEST_A,${EFFECTS_TEST_B-unset},$EFFECTS_TEST_C,${PATH:+path}\"";

        CHECK(shell(print).out == "old,old,,path\n");
        CHECK(shell(print, {.env = {{"EFFECTS_TEST_A", "new"}, {"EFFECTS_TEST_B", {}}, {"EFFECTS_TEST_C", "=c ="}}})
                  .out == "new,unset,=c =,path\n");
        CHECK(os::run({"env"}, {.env = {{"A", "1"}, {"B", ""}, {"C", {}}}, .inherit_env = false}).out == "A=1\nB=\n");
        ::unsetenv("EFFECTS_TEST_A");
        ::unsetenv("EFFECTS_TEST_B");
    });
}

TEST_CASE("a program starts in the folder that it is given, and is looked for from there", "[os][programs][live]") {
    on_the_machine([](std::string const& folder) {
        os::make_directories(folder + "/bin");
        make_script(folder + "/bin/effects-here", "pwd");

        CHECK(os::run({"pwd"}, {.directory = folder}).out == folder + "\n");
        CHECK(os::run({"bin/effects-here"}, {.directory = folder}).out == folder + "\n");
        CHECK(os::run({"effects-here"}, {.env = {{"PATH", "bin:/bin:/usr/bin"}}, .directory = folder}).out ==
              folder + "\n");
        CHECK(os::run({"effects-here"}, {.env = {{"PATH", "/no:"}}, .directory = folder + "/bin"}).out ==
              folder + "/bin\n");
    });
}

TEST_CASE("a folder that can't be entered is what the error names", "[os][programs][live]") {
    on_the_machine([](std::string const& folder) {
        os::write_text(folder + "/file", "");
        for (auto const& [place, code] : {std::pair{folder + "/no", std::errc::no_such_file_or_directory},
                                          std::pair{folder + "/file", std::errc::not_a_directory}})
            try {
                os::run({"true"}, {.directory = place});
                FAIL("it was run");
            } catch (os::error const& e) {
                CHECK(e.path() == place);
                CHECK(e.code() == code);
                CHECK_THAT(e.what(), Catch::StartsWith("cannot run a program in " + place));
            }
    });
}

TEST_CASE("what is no program can't be run", "[os][programs][live]") {
    on_the_machine([](std::string const& folder) {
        make_script(folder + "/plain", "true", 0644);
        os::write_text(folder + "/noise", "\x01\x02 no program");
        REQUIRE(::chmod((folder + "/noise").c_str(), 0755) == 0);
        make_script(folder + "/other", "", 0755);
        os::write_text(folder + "/other", "#!/no/such/interpreter\n");

        CHECK(code_of([&] { os::run({folder + "/plain"}); }) == std::errc::permission_denied);
        CHECK(code_of([&] { os::run({"plain"}, {.env = {{"PATH", folder}}}); }) == std::errc::permission_denied);
        CHECK(code_of([&] { os::run({folder}); }) == std::errc::permission_denied);
        CHECK(code_of([&] { os::run({folder + "/noise"}); }) == std::errc::executable_format_error);
        CHECK(code_of([&] { os::run({folder + "/other"}); }) == std::errc::no_such_file_or_directory);
        CHECK(code_of([&] { os::run({"true", std::string(10'000'000, 'x')}); }) == std::errc::argument_list_too_long);
    });
}

TEST_CASE("a stop reaches what a program started, and its last words are told", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        std::string said;
        for (auto limit = 20ms; said.find("pid ") == said.npos; limit *= 2) try {
                shell("sleep 1000 & echo pid $! >&2; wait", {.timeout = limit});
            } catch (async::timed_out const& e) {
                said = e.what();
            }

        CHECK_THAT(said, Catch::StartsWith("running sh: "));
        std::string const pid = said.substr(said.find("pid ") + 4);
        CHECK(ends(pid.substr(0, pid.find(')'))));
    });
}

TEST_CASE("what does not listen to SIGTERM is killed", "[os][programs][live]") {
    on_the_machine([](std::string const& folder) {
        std::string const file = folder + "/pid";
        for (auto limit = 20ms; line_in(file).empty(); limit *= 2)
            CHECK_THROWS_AS(shell("trap '' TERM; sleep 1000 & echo $! > " + file + "; wait; wait",
                                  {.timeout = limit, .stop_grace = 1ms}),
                            async::timed_out);

        CHECK(ends(line_in(file)));
    });
}

TEST_CASE("what stays in a stopped program's group without its output is killed, too", "[os][programs][live]") {
    in_a_world([](std::string const& folder) {
        std::string const file = folder + "/pid";
        async::task_group([&](async::group& g) {
            g.spawn([&] { shell("(trap '' TERM; exec sleep 1000) >/dev/null 2>&1 & echo $! > " + file + "; wait"); });
            line_that_comes(file);
            g.cancel();
        });

        CHECK(ends(line_that_comes(file)));
    });
}

TEST_CASE("a program that is asked to stop may clean up", "[os][programs][live]") {
    in_a_world([](std::string const& folder) {
        async::task_group([&](async::group& g) {
            g.spawn([&] {
                shell("trap 'echo tidy > " + folder + "/tidy; exit' TERM; sleep 1000 & echo ready > " + folder +
                      "/ready; wait");
            });
            line_that_comes(folder + "/ready");
            g.cancel();
        });

        CHECK(os::read_text(folder + "/tidy") == "tidy\n");
    });
}

TEST_CASE("the time limit of a task is that of its program, which has gone when it is told", "[os][programs][live]") {
    in_a_world([](std::string const& folder) {
        std::string const file = folder + "/pid";
        for (auto limit = 20ms; line_in(file).empty(); limit *= 2)
            CHECK_FALSE(async::try_timeout(limit, [&] { shell("echo $$ > " + file + "; exec sleep 1000"); }));

        CHECK(ends(line_that_comes(file)));
    });
}

TEST_CASE("what a program leaves running without its output is let be", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        std::string pid = shell("sleep 1000 >/dev/null 2>&1 & echo $!").raise_for_status().out;
        pid.pop_back();

        CHECK(::kill(std::stoi(pid), SIGKILL) == 0);
    });
}

TEST_CASE("other tasks run while a program does", "[os][programs][live]") {
    in_a_world([](std::string const& folder) {
        REQUIRE(::mkfifo((folder + "/pipe").c_str(), 0600) == 0);

        auto const [result, written] = async::all(
            [&] {
                return os::run({"cat", folder + "/pipe"}).out;
            },
            [&] {
                os::write_text(folder + "/pipe", "from a task");
                return true;
            });

        CHECK(result == "from a task");
        CHECK(written);
    });
}

TEST_CASE("a program gets no descriptor, blocked signal or ignored SIGPIPE of this process", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        int const inheritable = ::open("/dev/null", O_RDONLY);
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        auto* const pipe_before = std::signal(SIGPIPE, SIG_IGN);

        std::string const status = os::run({"cat", "/proc/self/status"}).out;
        std::string const descriptors = shell("ls /proc/$$/fd").out;

        std::signal(SIGPIPE, pipe_before);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        ::close(inheritable);
        CHECK_THAT(status, Catch::Contains("SigBlk:\t0000000000000000\n"));
        auto const ignored = std::stoull(status.substr(status.find("SigIgn:") + 7), nullptr, 16);
        CHECK((ignored & (1ULL << (SIGPIPE - 1))) == 0);
#if __GLIBC_PREREQ(2, 34)
        CHECK_THAT(descriptors, Catch::StartsWith("0\n1\n2\n"));
        CHECK_THAT(descriptors, !Catch::Contains("\n" + std::to_string(inheritable) + "\n"));
#endif
    });
}

TEST_CASE("a process without standard streams runs programs, too", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        int saved[3];
        for (int i = 0; i < 3; ++i) {
            saved[i] = ::fcntl(i, F_DUPFD_CLOEXEC, 10);
            ::close(i);
        }
        os::completed result;
        std::string problem;
        try {
            result = shell("cat; echo err >&2", {.input = "in"});
        } catch (std::exception const& e) {
            problem = e.what();
        }
        for (int i = 0; i < 3; ++i) {
            ::dup2(saved[i], i);
            ::close(saved[i]);
        }

        CHECK(problem == "");
        CHECK(result == os::completed{.out = "in", .err = "err\n", .program = "sh"});
    });
}

TEST_CASE("a process that lets its children go is told that it can't know their end", "[os][programs][live]") {
    on_the_machine([](std::string const&) {
        auto* const before = std::signal(SIGCHLD, SIG_IGN);
        auto const code = code_of([] { os::run({"true"}); });
        std::signal(SIGCHLD, before);

        CHECK(code == std::errc::no_child_process);
    });
}

TEST_CASE("programs run where the kernel has no pidfd", "[os][programs][live]") {
    std::string trouble;
    // The filter is its thread's, and that of the threads which that one starts.
    std::thread([&] {
        sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        sock_fprog const filter{4, code};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
            return; // not here, then
        auto body = [] {
            if (::syscall(SYS_pidfd_open, ::getpid(), 0) != -1) throw std::logic_error("there is a pidfd");
            if (os::run({"cat"}, {.input = "x"}).out != "x") throw std::logic_error("other output");
            if (shell("exit 3").exit_code != 3) throw std::logic_error("another status");
            if (async::try_timeout(10ms, [] { os::run({"sleep", "1000"}); }))
                throw std::logic_error("it was not stopped");
        };
        try {
            live::run({.handle_signals = false}, body);
        } catch (std::exception const& e) {
            trouble = e.what();
        }
    }).join();

    CHECK(trouble == "");
    CHECK_FALSE(has_children());
}

TEST_CASE("a runtime that ends takes its programs with it", "[os][programs][live]") {
    systems::temporary_folder folder;
    std::string const file = folder.path() + "/pid";
    {
        live::runtime runtime;
        runtime.submit([&] { shell("echo $$ > " + file + "; exec sleep 1000"); });
        runtime.submit([&] { line_that_comes(file); }).get();
    }

    std::string pid = effects::handle([&] { return os::read_text(file); }, live::system_files{});
    pid.pop_back();
    CHECK(ends(pid));
    CHECK_FALSE(has_children());
}

TEST_CASE("a body that is given up may still run programs", "[os][programs][live]") {
    struct give_up {
        using result_type = void;
    };
    std::string out;
    auto body = [&] {
        struct last_act {
            std::string& out;
            ~last_act() { out = os::run({"echo", "good bye"}).out; }
        } const here{out};
        effects::perform(give_up{});
    };
    in_a_world([&](std::string const&) {
        effects::handle(body, effects::aborts<give_up>([](give_up const&) {}));
        CHECK(std::exchange(out, "") == "good bye\n");

        effects::handle(body, effects::control<give_up>([](give_up, effects::resumption<give_up, void>) {}));
        CHECK(out == "good bye\n");
    });
}
