// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <effects/os/in_memory_files.hpp>
#include <effects/sim/detail/machines.hpp>

namespace effects::sim {

/// Answers the operations of files from the disk of the host that the task belongs to; from the world's where it belongs to none.
class host_files {
public:
    using operations = os::detail::file_operations;
    host_files(detail::machines const& hosts, os::in_memory_files& otherwise) noexcept
        : machines_(hosts), otherwise_(otherwise) {}

    std::string operator()(os::operations::read_text const& op) const { return disk()(op); }
    void operator()(os::operations::write_text op) const { disk()(std::move(op)); }
    void operator()(os::operations::append_text const& op) const { disk()(op); }
    std::vector<std::string> operator()(os::operations::list_directory const& op) const { return disk()(op); }
    void operator()(os::operations::make_directories const& op) const { disk()(op); }
    bool operator()(os::operations::remove const& op) const { return disk()(op); }
    void operator()(os::operations::rename const& op) const { disk()(op); }
    void operator()(os::operations::sync const& op) const { disk()(op); }
    bool operator()(os::operations::exists const& op) const { return disk()(op); }

private:
    os::in_memory_files& disk() const; // throws where the host has ended, and its tasks don't know it yet

    detail::machines const& machines_;
    os::in_memory_files& otherwise_;
};

} // namespace effects::sim
