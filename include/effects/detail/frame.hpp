// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string_view>

#include <effects/operation.hpp>

namespace effects {
class unhandled_operation;
}

namespace effects::detail {

struct frame;
struct fiber;

using any_function = void (*)();

enum class clause_kind : unsigned char { on, control, aborts, mask };

// How one operation is answered: `answer` is a `result (*)(frame* home, Op const* op, bool movable)`.
struct clause_entry {
    operation_info const* operation;
    any_function answer;
    clause_kind kind;
};

// What all frames of one type share.
struct frame_table {
    clause_entry const* entries;
    std::size_t size;
    std::string_view handler; // the handler object's type; empty for a clause
    void (*told_of_unhandled)(frame& home,
                              unhandled_operation const& error) = nullptr; // the innermost one is, before the throw
    bool records = false; // answers every operation, by performing it further out; `self` is a replay_run
    bool grows = false;   // may get more entries while it is installed
    // Asks the thread where the operation was performed. So its answers are never remembered: each perform searches, and says where.
    bool wants_place = false;
};

// A remembered lookup: as long as the frames from here outwards stay as they are, `home` answers `operation`.
struct lookup_slot {
    operation_info const* operation;
    any_function answer;
    frame* home;
};

inline constexpr std::size_t lookup_slots = 4;

// One installed handler. It lives on the stack of the call that installed it, or at the top of its own.
struct frame {
    lookup_slot cache[lookup_slots];
    frame* outer; // the handlers in force around this one
    frame* below; // the frame installed before this one on the same stack
    frame_table const* table;
    void* self;                     // the typed handler that the answers belong to
    fiber* home;                    // the stack that control clauses capture up to; null where there is none
    std::uint64_t stamp;            // unique in the process; renewed when what lies further out has changed
    std::source_location installed; // where its clause was made; an object or a lambda has no such place
    std::string_view const* body;   // the type of the body that it was installed around; null: it says nothing
};

// Where every chain ends. Shared by all threads and never written.
extern constinit frame root_frame;

void forget_lookups(frame& f) noexcept;

} // namespace effects::detail
