// SPDX-License-Identifier: BSL-1.0
#include <effects/live/system.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <effects/async/blocking.hpp>
#include <effects/async/sleep.hpp>

#include "file_io.hpp"

namespace effects::live {

using namespace file_io;

namespace {

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

// Folders on some file systems can't be synced, and need not; nor those that may not be read.
void sync_folders_above(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    while (path != "/" && path != ".") {
        path = std::string(folder_of(path));
        descriptor const folder(open_file(path.c_str(), O_RDONLY | O_DIRECTORY));
        if (folder) ::fsync(folder.number());
    }
}

void sync_entry(task const& doing) {
    descriptor const entry(open_file(checked(doing), O_RDONLY | O_NONBLOCK));
    if (!entry) doing.fail();
    if (::fsync(entry.number()) != 0 && errno != EINVAL && errno != EROFS) doing.fail(); // EINVAL: a pipe, a device
    sync_folders_above(doing.path);
}

bool is_there(task const& doing) {
    struct stat about;
    if (::stat(checked(doing), &about) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    doing.fail();
}

} // namespace

// ---- the operations ----

namespace {

// Blocking work that a cancellation may end.
template <class F>
std::invoke_result_t<F&, hurry&> interruptible(char const* operation, F f) {
    hurry stop;
    try {
        auto work = [&] { return f(stop); };
        return async::detail::blocking_in(
            operation, work, [&] { stop.up(); }, std::source_location::current());
    } catch (os::error const&) {
        if (stop.is_up()) async::checkpoint(); // it is the task that was cancelled
        throw;
    }
}

// Blocking work that is soon done, and so is waited for.
template <class F>
std::invoke_result_t<F&> brief(char const* operation, F f) {
    return async::detail::blocking_in(operation, f, {}, std::source_location::current());
}

} // namespace

std::string system_files::operator()(os::operations::read_text const& op) const {
    return interruptible("os::read_text", [&](hurry& stop) { return read_whole({"read", op.path}, stop); });
}

void system_files::operator()(os::operations::write_text const& op) const {
    interruptible("os::write_text", [&](hurry& stop) { replace_text({"write", op.path}, op.text, stop); });
}

void system_files::operator()(os::operations::append_text const& op) const {
    interruptible("os::append_text", [&](hurry& stop) {
        write_in_place({"append to", op.path}, O_APPEND | O_CREAT, op.text, stop);
    });
}

std::vector<std::string> system_files::operator()(os::operations::list_directory const& op) const {
    return brief("os::list_directory", [&] { return names_in({"list", op.path}); });
}

void system_files::operator()(os::operations::make_directories const& op) const {
    brief("os::make_directories", [&] { make_folders({"make the folder", op.path}); });
}

bool system_files::operator()(os::operations::remove const& op) const {
    return brief("os::remove", [&] { return remove_entry({"remove", op.path}); });
}

void system_files::operator()(os::operations::rename const& op) const {
    brief("os::rename", [&] { rename_entry(op.from, op.to); });
}

void system_files::operator()(os::operations::sync const& op) const {
    brief("os::sync", [&] { sync_entry({"sync", op.path}); });
}

bool system_files::operator()(os::operations::exists const& op) const {
    return brief("os::exists", [&] { return is_there({"look for", op.path}); });
}

} // namespace effects::live
