// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <effects/os/detail/movable_mutex.hpp>
#include <effects/os/programs.hpp>

namespace effects::os {

/// Programs that are functions, and nothing of the machine's. One that is not there can't be run, as on a machine
/// (`std::errc::no_such_file_or_directory`). Any thread.
///
///     os::in_memory_programs programs{
///         {"git", [](os::operations::run const& op) {
///              if (op.words.at(1) != "rev-parse") return os::completed{.exit_code = 1, .err = "unknown command\n"};
///              return os::completed{.out = "d1ce\n"};
///          }}};
///     CHECK(effects::handle([] { return os::run({"git", "rev-parse", "HEAD"}).out; }, programs) == "d1ce\n");
///
/// They are called by the name that is run, to the letter, and run under the handlers outside this one. In a world running one is a wait, as for
/// the machine's: other tasks may run before it begins, and it may itself wait, and is then cancelled and timed out as a program would be.
/// `max_output` and `merge_stderr` are seen to here.
class in_memory_programs {
public:
    using operations = effects::operations<os::operations::run>;
    using program = std::function<completed(os::operations::run const&)>;

    in_memory_programs() = default;
    in_memory_programs(std::initializer_list<std::pair<std::string, program>> programs);

    /// Adds one, or replaces it; calls of the old one that are under way go on.
    void set(std::string name, program f);

    completed operator()(os::operations::run const& op) const;

private:
    mutable detail::movable_mutex mutex_;
    std::map<std::string, std::shared_ptr<program const>> programs_;
};

} // namespace effects::os
