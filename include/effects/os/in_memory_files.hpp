// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <effects/os/files.hpp>

namespace effects::os {

/// Files in memory, and nothing of the machine's: folders, errors and rules for names as on Linux, without links and permissions.
/// The current folder is "/". Any thread. In a world each operation is a wait, as for the machine's files: a cancelled task does nothing to them,
/// and others run in between. A moved-from one may only be destroyed or assigned to.
///
///     os::in_memory_files disk{{"/etc/motd", "hi"}};
///     CHECK(effects::handle([] { return os::read_text("/etc/motd"); }, disk) == "hi");
class in_memory_files {
public:
    using operations = detail::file_operations;

    in_memory_files();
    /// Each path with its text; the folders are made.
    in_memory_files(std::initializer_list<std::pair<std::string, std::string>> files);
    in_memory_files(in_memory_files&&) noexcept;
    in_memory_files& operator=(in_memory_files&&) noexcept;
    ~in_memory_files();

    /// All files, by absolute path, with their text.
    std::map<std::string, std::string> contents() const;
    /// Undoes all that was not synced (`os::sync`), as a power failure does: files and folders are as they were, of a file that was added to the part
    /// is left that was synced. What the constructor was given is there, and synced.
    void lose_unsynced();

    std::string operator()(os::operations::read_text const& op) const;
    void operator()(os::operations::write_text op);
    void operator()(os::operations::append_text const& op);
    std::vector<std::string> operator()(os::operations::list_directory const& op) const;
    void operator()(os::operations::make_directories const& op);
    bool operator()(os::operations::remove const& op);
    void operator()(os::operations::rename const& op);
    void operator()(os::operations::sync const& op);
    bool operator()(os::operations::exists const& op) const;

private:
    struct tree;
    std::unique_ptr<tree> tree_;
};

} // namespace effects::os
