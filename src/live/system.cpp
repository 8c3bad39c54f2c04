// SPDX-License-Identifier: BSL-1.0
#include <effects/live/system.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <effects/async/blocking.hpp>
#include <effects/async/sleep.hpp>
#include <effects/os/detail/json_line.hpp>

namespace effects::live {
namespace {

// An open file. What closing it says is lost, but for `close`.
class descriptor {
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor const&) = delete;
    descriptor& operator=(descriptor const&) = delete;
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

    [[noreturn]] void fail(int code = errno) const { throw os::error(static_cast<std::errc>(code), verb, path); }
};

char const* checked(task const& doing) {
    if (doing.path.find('\0') != std::string::npos) doing.fail(EINVAL);
    return doing.path.c_str();
}

int open_file(char const* path, int flags, mode_t mode = 0) {
    int fd;
    do fd = ::open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

// Makes waits for a pipe's other end, or a terminal, end soon.
class hurry {
public:
    hurry() = default;
    hurry(hurry const&) = delete;
    hurry& operator=(hurry const&) = delete;
    ~hurry() {
        if (bell_ >= 0) ::close(bell_);
    }

    // From any thread.
    void up() noexcept {
        std::lock_guard lock(mutex_);
        hurried_ = true;
        std::uint64_t const one = 1;
        if (bell_ >= 0) [[maybe_unused]]
            auto const size = ::write(bell_, &one, sizeof one);
    }
    bool is_up() const noexcept { return hurried_; }
    void check(task const& doing) const {
        if (is_up()) doing.fail(ECANCELED);
    }

    // Until `fd` is ready, or -1 of it and `milliseconds` are over.
    void wait(task const& doing, int fd, short events, int milliseconds = -1) {
        int const bell = this->bell();
        if (bell < 0) doing.fail();
        check(doing);
        pollfd both[] = {{bell, POLLIN, 0}, {fd, events, 0}};
        if (::poll(both, 2, milliseconds) < 0 && errno != EINTR) doing.fail();
        check(doing);
    }

private:
    // Made when there is something to wait for, which plain files never make one do.
    int bell() noexcept {
        std::lock_guard lock(mutex_);
        if (bell_ < 0) bell_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        return bell_;
    }

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
bool write_all(int fd, std::string_view text) {
    return write_all(fd, text, [] { return false; });
}

// ---- reading ----

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

// ---- writing in place ----

// A pipe is waited for until somebody reads from it.
int open_to_write(task const& doing, int flags, hurry& stop) {
    for (int pause = 1;; pause = std::min(2 * pause, 50)) {
        int const fd = open_file(checked(doing), O_WRONLY | O_NONBLOCK | flags, 0666);
        if (fd >= 0 || errno != ENXIO) return fd;
        struct stat about;
        if (::stat(doing.path.c_str(), &about) != 0 || !S_ISFIFO(about.st_mode)) {
            errno = ENXIO;
            return -1;
        }
        stop.wait(doing, -1, 0, pause);
    }
}

void write_in_place(task const& doing, int flags, std::string_view text, hurry& stop) {
    descriptor file(open_to_write(doing, flags, stop));
    if (!file) doing.fail();
    auto wait = [&] {
        stop.wait(doing, file.number(), POLLOUT);
        return true;
    };
    if (!write_all(file.number(), text, wait) || !file.close()) doing.fail();
}

// ---- replacing ----

std::string_view folder_of(std::string_view path) noexcept {
    auto const slash = path.rfind('/');
    if (slash == path.npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
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

// A new file that nobody knows yet, in the folder of the one that it shall replace; removed unless it did.
class replacement {
public:
    replacement(task const& doing, std::string_view folder) : doing_(doing) {
        do {
            std::uint64_t number;
            draw(&number, sizeof number);
            std::array<char, 32> name;
            std::snprintf(name.data(), name.size(), "/.effects-%016llx", static_cast<unsigned long long>(number));
            path_ = std::string(folder) + name.data();
            fd_ = open_file(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
        } while (fd_ < 0 && errno == EEXIST);
        if (fd_ < 0) doing.fail();
    }
    replacement(replacement const&) = delete;
    replacement& operator=(replacement const&) = delete;
    ~replacement() {
        if (!path_.empty()) ::unlink(path_.c_str());
        if (fd_ >= 0) ::close(fd_);
    }

    void owned_as(struct stat const& old) {
        // Only root may give files away; where it can't be, the new one is the caller's, as with editors.
        [[maybe_unused]] int const given = ::fchown(fd_, old.st_uid, old.st_gid);
        if (::fchmod(fd_, old.st_mode & 07777) != 0) doing_.fail();
    }

    void fill(std::string_view text) {
        if (!write_all(fd_, text)) doing_.fail();
        if (::fsync(fd_) != 0) doing_.fail(); // else a crash may leave the new name on an empty file
        descriptor file(std::exchange(fd_, -1));
        if (!file.close()) doing_.fail();
    }

    void take_the_place_of(char const* target) {
        if (::rename(path_.c_str(), target) != 0) doing_.fail();
        path_.clear();
    }

private:
    task const& doing_;
    std::string path_;
    int fd_ = -1;
};

void replace_text(task const& doing, std::string_view text, hurry& stop) {
    char const* target = checked(doing);
    struct stat old;
    bool const there = ::stat(target, &old) == 0;
    if (!there && errno != ENOENT) doing.fail();
    if (!there && (doing.path.empty() || doing.path.back() == '/')) {
        descriptor const none(open_file(target, O_WRONLY | O_CREAT, 0666)); // never works, and errno says why not
        doing.fail(none ? EISDIR : errno);
    }
    if (there && S_ISDIR(old.st_mode)) doing.fail(EISDIR);
    if (there && !S_ISREG(old.st_mode)) // a device, a pipe: nothing to replace
        return write_in_place(doing, O_TRUNC, text, stop);
    // To replace what a symbolic link leads to, and not the link.
    struct freed {
        void operator()(char* p) const noexcept { std::free(p); }
    };
    std::unique_ptr<char, freed> const real(there ? ::realpath(target, nullptr) : nullptr);
    if (there && !real) doing.fail();
    struct stat link;
    if (!there && ::lstat(target, &link) == 0) { // a link that leads nowhere: make what it names, then replace that
        descriptor file(open_file(target, O_WRONLY | O_CREAT, 0666));
        if (!file) doing.fail();
        return replace_text(doing, text, stop);
    }
    if (real) target = real.get();
    std::string const folder(folder_of(target));
    if (there && ::faccessat(AT_FDCWD, target, W_OK, AT_EACCESS) != 0)
        doing.fail(); // as writing in place would be refused

    replacement made(doing, folder);
    if (there) made.owned_as(old);
    made.fill(text);
    made.take_the_place_of(target);
    descriptor const at(open_file(folder.c_str(), O_RDONLY | O_DIRECTORY));
    if (at) ::fsync(at.number()); // the new name, too; some file systems can't, and need not
}

// ---- folders ----

std::vector<std::string> names_in(task const& doing) {
    struct closed {
        void operator()(DIR* d) const noexcept { ::closedir(d); }
    };
    std::unique_ptr<DIR, closed> const folder(::opendir(checked(doing)));
    if (!folder) doing.fail();
    std::vector<std::string> names;
    while (true) {
        errno = 0;
        dirent const* entry = ::readdir(folder.get());
        if (!entry) break;
        std::string_view const name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) doing.fail();
    std::sort(names.begin(), names.end());
    return names;
}

void make_folders(task const& doing) {
    std::string path = checked(doing);
    if (path.empty()) doing.fail(ENOENT);
    for (std::size_t end = 0; end < path.size();) {
        std::size_t const begin = path.find_first_not_of('/', end);
        if (begin == path.npos) break;
        end = std::min(path.find('/', begin), path.size());
        bool const last = path.find_first_not_of('/', end) == path.npos;
        char const cut = std::exchange(path.data()[end], '\0'); // the string's own NUL where it is the end
        int const failure = ::mkdir(path.c_str(), 0777) == 0 ? 0 : errno;
        struct stat about;
        bool const there = failure != 0 && ::stat(path.c_str(), &about) == 0; // whatever mkdir had against it
        path.data()[end] = cut;
        if (failure == 0 || (there && S_ISDIR(about.st_mode))) continue;
        doing.fail(there && !last ? ENOTDIR : failure);
    }
}

bool remove_entry(task const& doing) {
    char const* path = checked(doing);
    if (::unlink(path) == 0) return true;
    if (errno == EISDIR && ::rmdir(path) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    if (errno == EEXIST) errno = ENOTEMPTY; // POSIX has both
    doing.fail();
}

void rename_entry(std::string const& from, std::string const& to) {
    constexpr std::string_view nul("\0", 1);
    int failure = 0;
    if (from.find(nul) != from.npos || to.find(nul) != to.npos)
        failure = EINVAL;
    else if (::rename(from.c_str(), to.c_str()) != 0)
        failure = errno == EEXIST ? ENOTEMPTY : errno;
    if (failure != 0) throw os::error(static_cast<std::errc>(failure), "rename", from, to);
}

bool is_there(task const& doing) {
    struct stat about;
    if (::stat(checked(doing), &about) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    doing.fail();
}

} // namespace

// ---- clock, random, environment, log ----

os::system_time system_clock::operator()(os::operations::system_now const&) const noexcept {
    return std::chrono::system_clock::now();
}

os::steady_time system_clock::operator()(os::operations::steady_now const&) const noexcept {
    return std::chrono::steady_clock::now();
}

std::uint64_t system_random::operator()(os::operations::random_bits const&) const {
    std::uint64_t bits;
    draw(&bits, sizeof bits);
    return bits;
}

std::optional<std::string> system_env::operator()(os::operations::variable const& op) const {
    if (op.name.find('\0') != std::string::npos || op.name.find('=') != std::string::npos) return std::nullopt;
    char const* value = std::getenv(op.name.c_str());
    if (!value) return std::nullopt;
    return value;
}

std::vector<std::string> system_env::operator()(os::operations::arguments const&) const {
    std::string const path = "/proc/self/cmdline"; // at hand for a library that does not see `main`
    hurry never;
    std::string const all = read_whole({"read", path}, never);
    std::vector<std::string> arguments;
    for (std::string_view rest = all; !rest.empty();) {
        std::size_t const end = std::min(rest.find('\0'), rest.size());
        arguments.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return arguments;
}

void stderr_log::operator()(os::operations::log const& line) const {
    if (line.level < least_) return;
    int const before = errno; // a log line between a call and its errno should not matter
    std::string const text = os::detail::json_line(std::chrono::system_clock::now(), line);
    write_all(STDERR_FILENO, text);
    errno = before;
}

// ---- files ----

namespace {

// Blocking work that a cancellation may end.
template <class F>
std::invoke_result_t<F&, hurry&> interruptible(F f) {
    hurry stop;
    try {
        return async::blocking([&] { return f(stop); }, [&] { stop.up(); });
    } catch (os::error const&) {
        if (stop.is_up()) async::checkpoint(); // it is the task that was cancelled
        throw;
    }
}

} // namespace

std::string system_files::operator()(os::operations::read_text const& op) const {
    return interruptible([&](hurry& stop) { return read_whole({"read", op.path}, stop); });
}

void system_files::operator()(os::operations::write_text const& op) const {
    interruptible([&](hurry& stop) { replace_text({"write", op.path}, op.text, stop); });
}

void system_files::operator()(os::operations::append_text const& op) const {
    interruptible([&](hurry& stop) { write_in_place({"append to", op.path}, O_APPEND | O_CREAT, op.text, stop); });
}

std::vector<std::string> system_files::operator()(os::operations::list_directory const& op) const {
    return async::blocking([&] { return names_in({"list", op.path}); });
}

void system_files::operator()(os::operations::make_directories const& op) const {
    async::blocking([&] { make_folders({"make the folder", op.path}); });
}

bool system_files::operator()(os::operations::remove const& op) const {
    return async::blocking([&] { return remove_entry({"remove", op.path}); });
}

void system_files::operator()(os::operations::rename const& op) const {
    async::blocking([&] { rename_entry(op.from, op.to); });
}

bool system_files::operator()(os::operations::exists const& op) const {
    return async::blocking([&] { return is_there({"look for", op.path}); });
}

} // namespace effects::live
