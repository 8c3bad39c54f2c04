// SPDX-License-Identifier: BSL-1.0
#include <effects/dump.hpp>

#include <ostream>
#include <string>
#include <string_view>

#include <effects/detail/fiber.hpp>
#include <effects/detail/thread.hpp>

#include "describe.hpp"
#include "stack.hpp"

namespace effects {

namespace {

// One of the stacks that lie below the caller, each of which waits for the one before.
struct place_in_chain {
    detail::fiber const* fiber; // null: the thread's own
    void const* stack_pointer;
    detail::frame const* frames; // newest first
};

// Finds the stack on which `f` lies, from `from` outwards; false where that is none of them. By the lists of what was installed
// where: a sanitizer may have put the frame itself on a stack of its own.
bool find_stack(place_in_chain from, detail::frame const& f, place_in_chain& found) {
    for (place_in_chain at = from;;) {
        for (detail::frame const* on_it = at.frames; on_it; on_it = on_it->below)
            if (on_it == &f) {
                found = at;
                return true;
            }
        if (!at.fiber) return false;
        detail::context const& outer = *at.fiber->resumer;
        at = {outer.running, outer.stack_pointer, outer.frames};
    }
}

std::string task_name(detail::fiber const* strand) {
    char name[512];
    detail::strand_namer* namer = detail::name_of_strand.load(std::memory_order_relaxed);
    return strand && namer ? "task " + std::string(name, namer(*strand, name, sizeof name)) : std::string();
}

void print_heading(std::ostream& out, place_in_chain const& stack) {
    if (!stack.fiber) {
        out << "  on the thread's own stack";
    } else if (detail::is_task(*stack.fiber)) {
        std::string const name = task_name(stack.fiber);
        out << "  on the stack of " << (name.empty() ? "a task" : name);
    } else {
        std::string const name = task_name(stack.fiber->strand);
        out << "  on the stack of a handled body" << (name.empty() ? "" : " in ") << name;
    }
    if (stack_use const use = detail::use_of(stack.fiber, stack.stack_pointer); use.size != 0)
        detail::print_fill(out << ", ", use);
    out << ":\n";
}

} // namespace

void dump(std::ostream& out) {
    detail::thread_state const& thread = *detail::this_thread();
    place_in_chain const here{thread.running, __builtin_frame_address(0), thread.frames};
    out << "handlers in force, innermost first\n";
    print_heading(out, here);
    place_in_chain last = here;
    bool elsewhere = false;
    bool any = false;
    for (detail::frame const* f = thread.top; f != &detail::root_frame; f = f->outer) {
        std::string const line = detail::describe(*f);
        if (line.empty()) continue;
        place_in_chain stack = here;
        if (!find_stack(here, *f, stack)) {
            if (!elsewhere) out << "  on another task's stack:\n";
            elsewhere = true;
        } else if (elsewhere || stack.fiber != last.fiber) {
            print_heading(out, stack);
            last = stack;
            elsewhere = false;
        }
        out << "    " << line << '\n';
        any = true;
    }
    if (!any) out << "    none\n";
}

} // namespace effects
