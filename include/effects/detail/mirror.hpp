// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <vector>

#include <effects/detail/thread.hpp>

namespace effects::detail {

// The handlers that are in force here, for a computation on another thread that ends before this one goes on: frames of its own, since
// each thread remembers lookups in its frames, that stand for the same handlers. A `control` clause among them refuses, as it does in
// another task.
class mirrored_frames {
public:
    // Those from `innermost` outwards, before `end` is reached, but for the last `left_out` of them. Where they are in force.
    // Throws std::logic_error where a multishot body's edge is among them.
    mirrored_frames(frame* innermost, frame* end, std::size_t left_out = 0);
    mirrored_frames(mirrored_frames const&) = delete;
    mirrored_frames& operator=(mirrored_frames const&) = delete;

    // On the other thread: in force while it lives, inside what was in force.
    class in_force {
    public:
        explicit in_force(mirrored_frames& all) noexcept;
        in_force(in_force const&) = delete;
        in_force& operator=(in_force const&) = delete;
        ~in_force();

    private:
        frame* top_;
        frame* frames_;
    };

private:
    std::vector<frame> frames_; // from the innermost outwards
};

} // namespace effects::detail
