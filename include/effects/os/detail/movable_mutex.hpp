// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <mutex>

namespace effects::os::detail {

// A mutex for handlers, which move until they are installed: the moved one has a mutex of its own.
class movable_mutex : public std::mutex {
public:
    movable_mutex() = default;
    movable_mutex(movable_mutex&&) noexcept {}
    movable_mutex& operator=(movable_mutex&&) noexcept { return *this; }
    ~movable_mutex() = default;
};

} // namespace effects::os::detail
