// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace effects::os::detail {

// What a handler of `os` performs first that is done in no time, for what takes time on a machine: files, programs. The worlds answer as to a wait: it
// is left when the task is cancelled, refused where it must not suspend, and lets other tasks run. Outside of them it does nothing.
struct wait_turn {
    using result_type = void;
    char const* what; // for reports: "os::read_text"

    static void default_answer(wait_turn const&) noexcept {}
};

} // namespace effects::os::detail
