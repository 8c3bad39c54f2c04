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
/// `is_a_directory`, `permission_denied`, …). They may suspend.
namespace effects::os {

/// All that is in the file, byte for byte.
std::string read_text(std::string path, std::source_location where = std::source_location::current());

/// Makes `text` all that is in the file. Replaces it atomically: a reader, also one after a crash, finds the old text or the new
/// one. Keeps the permissions of the file it replaces, and follows a symbolic link; the folder must exist.
void write_text(std::string path, std::string text, std::source_location where = std::source_location::current());

/// Adds `text` to the end of the file, which is made if there is none.
void append_text(std::string path, std::string text, std::source_location where = std::source_location::current());

/// The names in a folder (without "." and ".."), sorted by their bytes.
std::vector<std::string> list_directory(std::string path, std::source_location where = std::source_location::current());

/// Makes a folder, and those it lies in; it is fine if they are there.
void make_directories(std::string path, std::source_location where = std::source_location::current());

/// Removes a file or an empty folder; false if there is none. A symbolic link is removed itself.
bool remove(std::string path, std::source_location where = std::source_location::current());

/// Gives a file or folder another name, in one step; replaces a file by a file and an empty folder by a folder. Not across file systems
/// (`std::errc::cross_device_link`).
void rename(std::string from, std::string to, std::source_location where = std::source_location::current());

/// Returns when the file, with its name, or the names in the folder, are where a power failure can't take them: without it, what was written,
/// added, renamed or removed last may be undone by one. (The folders on the way are synced, too.)
///
///     os::append_text("journal", line);
///     os::sync("journal");                 // from here on it may be promised
void sync(std::string path, std::source_location where = std::source_location::current());

/// Whether there is anything of that name. Throws where that can't be told (`permission_denied`).
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
