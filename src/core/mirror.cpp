// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/mirror.hpp>

#include <stdexcept>

namespace effects::detail {

mirrored_frames::mirrored_frames(frame* innermost, frame* end, std::size_t left_out) {
    std::size_t count = 0;
    for (frame* f = innermost; f != end; f = f->outer) ++count;
    count -= left_out;
    frames_.reserve(count);
    for (frame* f = innermost; frames_.size() != count; f = f->outer) {
        if (f->table->records)
            throw std::logic_error(
                "the body of a multishot::handle can't go on on another thread: it may be run again");
        frame& mine = frames_.emplace_back(); // not what it remembers, which its thread may be writing
        mine.table = f->table;
        mine.self = f->self;
        mine.home = f->home;
        mine.installed = f->installed;
        mine.body = f->body;
    }
}

mirrored_frames::in_force::in_force(mirrored_frames& all) noexcept {
    thread_state& thread = *this_thread();
    top_ = thread.top;
    frames_ = thread.frames;
    for (auto f = all.frames_.rbegin(); f != all.frames_.rend(); ++f) {
        f->outer = thread.top;
        f->below = thread.frames;
        f->stamp = new_stamp(thread);
        thread.top = thread.frames = &*f;
    }
}

mirrored_frames::in_force::~in_force() {
    thread_state& thread = *this_thread();
    thread.top = top_;
    thread.frames = frames_;
}

} // namespace effects::detail
