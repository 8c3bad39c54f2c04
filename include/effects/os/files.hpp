// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <iosfwd>
#include <source_location>
#include <string>
#include <vector>

#include <effects/operation.hpp>
#include <effects/os/error.hpp>

/// Whole files, by name. Paths and names are bytes, as the system has them, of any encoding (a std::filesystem::path converts); relative
/// ones start at the world's current folder. All throw `os::error`, whose `code()` is POSIX's (`std::errc::no_such_file_or_directory`,
/// `is_a_directory`, `permission_denied`, …).
///
/// In a world each of them is a wait, in `sim` as in `live`: other tasks may run before it, a cancelled or overdue task is told (`async::cancelled`), and under
/// a `must_not_suspend` it is refused (`std::logic_error`). Cancelled before it begins, it has done nothing; once begun, it is waited for and has its effect, whole,
/// but where it says otherwise.
namespace effects::os {

/// All that is in the file, byte for byte. Changes nothing, so a cancellation may end it half-way.
std::string read_text(std::string path, std::source_location where = std::source_location::current());

/// Makes `text` all that is in the file. Replaces it atomically: a reader, also one after a crash, finds the old text or the new
/// one. Keeps the permissions of the file it replaces, and follows a symbolic link; the folder must exist.
///
/// Cancelled before it begins it does nothing; once begun it is waited for, and the file is replaced. Only what can't be replaced (a pipe, a device) is
/// written in place, and may have got a part of the text.
void write_text(std::string path, std::string text, std::source_location where = std::source_location::current());

/// Adds `text` to the end of the file, which is made if there is none.
///
/// Cancelled before it begins it does nothing; once begun it is waited for, and adds all of the text. A pipe that nobody reads may have got a
/// part of it. (After a crash of the machine, a file may have, too: see `sync`.)
void append_text(std::string path, std::string text, std::source_location where = std::source_location::current());

/// The names in a folder (without "." and ".."), sorted by their bytes. Changes nothing; once begun it is waited for.
std::vector<std::string> list_directory(std::string path, std::source_location where = std::source_location::current());

/// Makes a folder, and those it lies in; it is fine if they are there. Cancelled before it begins it makes none; once begun it is
/// waited for, and makes all of them. Where it throws `os::error` it may have made the outer ones.
void make_directories(std::string path, std::source_location where = std::source_location::current());

/// Removes a file or an empty folder; false if there is none. A symbolic link is removed itself. Cancelled before it
/// begins it removes nothing; once begun it is waited for, and a cancellation is told by the next wait only.
bool remove(std::string path, std::source_location where = std::source_location::current());

/// Gives a file or folder another name, in one step; replaces a file by a file and an empty folder by a folder. Not across file systems
/// (`std::errc::cross_device_link`). Cancelled before it begins it does nothing; once begun it is waited for, and the new name is there.
void rename(std::string from, std::string to, std::source_location where = std::source_location::current());

/// Returns when the file, with its name, or the names in the folder, are where a power failure can't take them: without it, what was written,
/// added, renamed or removed last may be undone by one. (The folders on the way are synced, too.) Cancelled before it begins it promises
/// nothing; once begun it is waited for.
///
///     os::append_text("journal", line);
///     os::sync("journal");                 // from here on it may be promised
void sync(std::string path, std::source_location where = std::source_location::current());

/// Whether there is anything of that name. Throws where that can't be told (`permission_denied`). Changes nothing; once begun it is waited for.
bool exists(std::string path, std::source_location where = std::source_location::current());

namespace operations {

/// What `os::read_text()` performs.
struct read_text {
    using result_type = std::string;
    std::string path;
    bool operator==(read_text const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, read_text const& op);
};

/// What `os::write_text()` performs.
struct write_text {
    using result_type = void;
    std::string path;
    std::string text;
    bool operator==(write_text const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, write_text const& op);
};

/// What `os::append_text()` performs.
struct append_text {
    using result_type = void;
    std::string path;
    std::string text;
    bool operator==(append_text const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, append_text const& op);
};

/// What `os::list_directory()` performs.
struct list_directory {
    using result_type = std::vector<std::string>;
    std::string path;
    bool operator==(list_directory const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, list_directory const& op);
};

/// What `os::make_directories()` performs.
struct make_directories {
    using result_type = void;
    std::string path;
    bool operator==(make_directories const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, make_directories const& op);
};

/// What `os::remove()` performs.
struct remove {
    using result_type = bool;
    std::string path;
    bool operator==(remove const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, remove const& op);
};

/// What `os::rename()` performs.
struct rename {
    using result_type = void;
    std::string from;
    std::string to;
    bool operator==(rename const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, rename const& op);
};

/// What `os::sync()` performs.
struct sync {
    using result_type = void;
    std::string path;
    bool operator==(sync const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, sync const& op);
};

/// What `os::exists()` performs.
struct exists {
    using result_type = bool;
    std::string path;
    bool operator==(exists const&) const = default;
    friend std::ostream& operator<<(std::ostream& out, exists const& op);
};

} // namespace operations

namespace detail {
// What every handler of files answers.
using file_operations =
    effects::operations<operations::read_text, operations::write_text, operations::append_text,
                        operations::list_directory, operations::make_directories, operations::remove,
                        operations::rename, operations::sync, operations::exists>;
} // namespace detail

} // namespace effects::os
