// SPDX-License-Identifier: BSL-1.0
#include "child_process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <new>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <effects/os/detail/program_run.hpp>
#include <effects/os/error.hpp>

#include "signals.hpp"

namespace effects::live::detail {
namespace {

using file_io::descriptor;
using os::operations::run;

int ask_for_end(pid_t pid, int how, siginfo_t& said) noexcept {
    int result;
    do result = ::waitid(P_PID, static_cast<id_t>(pid), &said, WEXITED | how);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

// ---- what it is started with ----

// What stands in the places 0, 1 and 2 would be overwritten by the child's own.
descriptor kept_apart(int fd) {
    if (fd < 0 || fd > STDERR_FILENO) return descriptor(fd);
    descriptor const low(fd);
    return descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

// None where it is not made.
struct pipe_ends {
    descriptor read{-1};
    descriptor write{-1};
};

pipe_ends make_pipe(file_io::task const& doing) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) doing.fail();
    descriptor read = kept_apart(ends[0]);
    descriptor write = kept_apart(ends[1]);
    if (!read || !write) doing.fail(EMFILE);
    return {std::move(read), std::move(write)};
}

// Of this end only: the program has its own way with the other one.
void never_block(file_io::task const& doing, descriptor const& fd) {
    if (::fcntl(fd.number(), F_SETFL, ::fcntl(fd.number(), F_GETFL) | O_NONBLOCK) != 0) doing.fail();
}

class file_actions {
public:
    file_actions() { check(::posix_spawn_file_actions_init(&actions_)); }
    file_actions(file_actions const&) = delete;
    file_actions& operator=(file_actions const&) = delete;
    ~file_actions() { ::posix_spawn_file_actions_destroy(&actions_); }

    void put(int fd, int at) { check(::posix_spawn_file_actions_adddup2(&actions_, fd, at)); }
    void open(char const* path, int at) { check(::posix_spawn_file_actions_addopen(&actions_, at, path, O_RDONLY, 0)); }
    void enter(int folder) { check(::posix_spawn_file_actions_addfchdir_np(&actions_, folder)); }
    void close_from([[maybe_unused]] int fd) {
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
        check(::posix_spawn_file_actions_addclosefrom_np(&actions_, fd));
#endif
#endif
    }
    posix_spawn_file_actions_t const* get() const noexcept { return &actions_; }

private:
    static void check(int problem) {
        if (problem != 0) throw std::bad_alloc();
    }
    posix_spawn_file_actions_t actions_;
};

class attributes {
public:
    attributes() {
        if (::posix_spawnattr_init(&attributes_) != 0) throw std::bad_alloc();
        sigset_t none;
        sigemptyset(&none);
        sigset_t pipe = none; // servers ignore it, and programs rely on it
        sigaddset(&pipe, SIGPIPE);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &pipe);
    }
    attributes(attributes const&) = delete;
    attributes& operator=(attributes const&) = delete;
    ~attributes() { ::posix_spawnattr_destroy(&attributes_); }
    posix_spawnattr_t const* get() const noexcept { return &attributes_; }

private:
    posix_spawnattr_t attributes_;
};

// Strings as the system takes them; they must stay.
std::vector<char*> pointers_to(std::vector<std::string> const& strings) {
    std::vector<char*> all;
    for (std::string const& s : strings) all.push_back(const_cast<char*>(s.c_str()));
    all.push_back(nullptr);
    return all;
}

std::vector<std::string> environment_of(os::run_options const& how) {
    std::vector<std::string> all;
    if (how.inherit_env)
        for (char** at = environ; at && *at; ++at) {
            std::string_view const entry = *at;
            if (!how.env.contains(std::string(entry.substr(0, entry.find('='))))) all.emplace_back(entry);
        }
    for (auto const& [name, value] : how.env)
        if (value) all.push_back(name + "=" + *value);
    return all;
}

std::string_view search_path(std::vector<std::string> const& environment) noexcept {
    for (std::string_view const entry : environment)
        if (entry.starts_with("PATH=")) return entry.substr(5);
    return "/bin:/usr/bin";
}

// As execvp(3) finds it, but in the PATH that the program will have, and from the folder where it will start.
std::string find_program(file_io::task const& doing, std::string_view path, int folder) {
    std::string const& name = doing.path;
    if (name.find('/') != name.npos) return name;
    int problem = ENOENT;
    for (bool more = true; more;) {
        std::size_t const end = path.find(':');
        more = end != path.npos;
        std::string candidate(path.substr(0, end));
        candidate.append(candidate.empty() ? "./" : "/").append(name);
        if (more) path.remove_prefix(end + 1);
        struct stat about;
        if (::fstatat(folder, candidate.c_str(), &about, 0) != 0) continue;
        if (S_ISREG(about.st_mode) && ::faccessat(folder, candidate.c_str(), X_OK, AT_EACCESS) == 0) return candidate;
        problem = EACCES;
    }
    doing.fail(problem);
}

} // namespace

// ---- the group's leader ----

group_leader::group_leader(pid_t pid)
    : pid_(pid), exit_fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) { // closes on exec
    if (exit_fd_ >= 0) return;
    try {
        watch_by_thread(errno);
    } catch (...) {
        end();
        throw;
    }
}

// Where there are no pidfds: Linux before 5.3, a sandbox.
void group_leader::watch_by_thread(int why) {
    auto fail = [](int code) { throw os::error(static_cast<std::errc>(code), "wait for a program", {}); };
    if (why == EMFILE || why == ENFILE || why == ENOMEM) fail(why);
    exit_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (exit_fd_ < 0) fail(errno);
    signals_blocked const here;
    watcher_ = std::thread([pid = pid_, fd = exit_fd_] {
        siginfo_t said;
        ask_for_end(pid, WNOWAIT, said); // and leaves it to be reaped
        ::eventfd_write(fd, 1);
    });
}

void group_leader::signal_group(int number) const noexcept {
    if (!reaped_) ::kill(-pid_, number);
}

int group_leader::reap(os::completed& into) noexcept {
    if (watcher_.joinable()) watcher_.join();
    siginfo_t said{};
    int const problem = ask_for_end(pid_, 0, said);
    reaped_ = true;
    if (problem != 0) return problem;
    into.signal = said.si_code == CLD_EXITED ? 0 : said.si_status;
    into.exit_code = said.si_code == CLD_EXITED ? said.si_status : 128 + said.si_status;
    return 0;
}

void group_leader::end() noexcept {
    if (!reaped_) {
        signal_group(SIGKILL);
        os::completed nobody_asks;
        reap(nobody_asks);
    }
    if (exit_fd_ >= 0) ::close(exit_fd_);
}

// ---- the program ----

struct child_process::started {
    descriptor ready;
    descriptor input;
    descriptor out;
    descriptor err;
    pid_t pid;
};

child_process::started child_process::start(run const& what) {
    os::run_options const& how = what.options;
    file_io::task const doing{"run", what.words.front()};
    descriptor ready(::epoll_create1(EPOLL_CLOEXEC));
    if (!ready) doing.fail();

    file_actions actions;
    descriptor folder(-1);
    if (!how.directory.empty()) {
        // With the slash, so that a folder that may not be entered is told here, under its name.
        folder = kept_apart(file_io::open_file((how.directory + "/.").c_str(), O_PATH | O_DIRECTORY));
        if (!folder) throw os::error(static_cast<std::errc>(errno), "run a program in", how.directory);
        actions.enter(folder.number());
    }
    pipe_ends input;
    if (how.input.empty()) {
        actions.open("/dev/null", STDIN_FILENO);
    } else {
        input = make_pipe(doing);
        never_block(doing, input.write);
        actions.put(input.read.number(), STDIN_FILENO);
    }
    pipe_ends out = make_pipe(doing);
    never_block(doing, out.read);
    actions.put(out.write.number(), STDOUT_FILENO);
    pipe_ends err;
    if (how.merge_stderr) {
        actions.put(STDOUT_FILENO, STDERR_FILENO);
    } else {
        err = make_pipe(doing);
        never_block(doing, err.read);
        actions.put(err.write.number(), STDERR_FILENO);
    }
    actions.close_from(STDERR_FILENO + 1);

    std::vector<std::string> const environment = environment_of(how);
    std::string const program =
        find_program(doing, search_path(environment), folder ? folder.number() : static_cast<int>(AT_FDCWD));
    attributes const how_it_starts;
    pid_t pid = -1;
    int const problem = ::posix_spawn(&pid, program.c_str(), actions.get(), how_it_starts.get(),
                                      pointers_to(what.words).data(), pointers_to(environment).data());
    if (problem != 0) doing.fail(problem);
    return {std::move(ready), std::move(input.write), std::move(out.read), std::move(err.read), pid};
}

child_process::child_process(run const& what) : child_process(what, start(what)) {}

child_process::child_process(run const& what, started begun)
    : leader_(begun.pid), what_(what), unsent_(what.options.input), ready_(std::move(begun.ready)),
      input_(std::move(begun.input)), out_(std::move(begun.out)), err_(std::move(begun.err)),
      buffer_(std::size_t{64} * 1024) {
    watch(leader_.exit_fd(), source::exit, EPOLLIN);
    if (input_) watch(input_.number(), source::input, EPOLLOUT);
    watch(out_.number(), source::out, EPOLLIN);
    if (err_) watch(err_.number(), source::err, EPOLLIN);
}

void child_process::watch(int fd, source from, std::uint32_t events) {
    epoll_event interest{};
    interest.events = events;
    interest.data.u32 = static_cast<std::uint32_t>(from);
    if (::epoll_ctl(ready_.number(), EPOLL_CTL_ADD, fd, &interest) != 0)
        file_io::task{"run", what_.words.front()}.fail();
}

// Closing alone would leave it in the set as long as a child that is about to be executed has it.
void child_process::unwatch(descriptor& fd) noexcept {
    if (!fd) return;
    ::epoll_ctl(ready_.number(), EPOLL_CTL_DEL, fd.number(), nullptr);
    fd.close();
}

child_process::next child_process::step() {
    constexpr int most = 4;
    epoll_event events[most];
    int const count = ::epoll_wait(ready_.number(), events, most, 0);
    for (int i = 0; i < count; ++i) switch (static_cast<source>(events[i].data.u32)) {
        case source::input:
            feed();
            break;
        case source::out:
            drain(out_, result_.out);
            break;
        case source::err:
            drain(err_, result_.err);
            break;
        case source::exit:
            exited_ = true;
            ::epoll_ctl(ready_.number(), EPOLL_CTL_DEL, leader_.exit_fd(), nullptr);
            break;
        }
    if (exited_ && (killed_ || (!out_ && !err_))) return next::over;
    return count != 0 ? next::go_on : next::wait;
}

// Nobody need read it to its end.
void child_process::feed() noexcept {
    file_io::no_sigpipe guard;
    while (input_ && !unsent_.empty()) {
        ssize_t const n = ::write(input_.number(), unsent_.data(), unsent_.size());
        if (n >= 0) {
            unsent_.remove_prefix(static_cast<std::size_t>(n));
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            if (errno == EPIPE) guard.broken();
            break;
        }
    }
    unwatch(input_);
}

void child_process::drain(descriptor& fd, std::string& into) {
    constexpr int most_at_once = 16; // others want to run
    for (int i = 0; i < most_at_once; ++i) {
        ssize_t const n = ::read(fd.number(), buffer_.data(), buffer_.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) return unwatch(fd);
        auto const size = static_cast<std::size_t>(n);
        std::size_t const room = what_.options.max_output - (result_.out.size() + result_.err.size());
        into.append(buffer_.data(), std::min(size, room));
        if (size > room && !stopping_) os::detail::throw_too_much_output(what_, result_);
        if (size < buffer_.size()) return;
    }
}

void child_process::terminate() noexcept {
    stopping_ = true;
    unwatch(input_);
    leader_.signal_group(SIGTERM);
}

void child_process::kill() noexcept {
    stopping_ = killed_ = true;
    leader_.signal_group(SIGKILL);
}

os::completed child_process::finish() {
    if (int const problem = leader_.reap(result_); problem != 0)
        file_io::task{"wait for", what_.words.front()}.fail(problem);
    result_.program = what_.words.front();
    return std::move(result_);
}

std::string child_process::last_words() const {
    std::string said = std::to_string(result_.out.size() + result_.err.size()) + " bytes of output";
    std::string const line = os::detail::last_line(what_.options.merge_stderr ? result_.out : result_.err);
    return line.empty() ? said : said + ", the last line: " + line;
}

} // namespace effects::live::detail
