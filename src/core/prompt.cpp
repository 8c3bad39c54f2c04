// SPDX-License-Identifier: BSL-1.0
#include <effects/detail/prompt.hpp>

#include <cstdio>
#include <memory>
#include <stdexcept>

#include <effects/unhandled_operation.hpp>

#include "stack.hpp"

namespace effects::detail {

namespace {

// Whether a destructor is running, here or where a stack between here and the dropped one was started or resumed.
bool in_a_destructor(fiber const& dropped) noexcept {
    if (std::uncaught_exceptions() > 0) return true;
    for (fiber const* f = this_thread()->running; f != &dropped; f = f->resumer->running)
        if (f->resumer->uncaught_exceptions > 0) return true;
    return false;
}

[[noreturn]] void throw_unwinding_again(fiber& dropped, std::string_view what) {
    if (in_a_destructor(dropped)) {
        std::fprintf(stderr,
                     "effects: a destructor performed %.*s, which would suspend it, while its body is being "
                     "unwound; a destructor may not suspend\n",
                     static_cast<int>(what.size()), what.data());
        std::terminate();
    }
    throw unwinding{&dropped};
}

} // namespace

void prompt::make_as_new() noexcept {
    if (tsan_fiber) close_tsan_fiber(*this);
    frames_gone(memory, reinterpret_cast<std::byte*>(this));
    std::destroy_at(&thrown);
    std::construct_at(&thrown);
    asked = nullptr;
    taken_along = nullptr;
    given_up = nullptr;
    guests = nullptr;
    dropped = false;
    uses.store(0, std::memory_order_relaxed);
}

// Something on this strand must stay where it is: is it between here and `p`?
void refuse_pinned(request& r, prompt& p) {
    thread_state& thread = *this_thread();
    if (p.given_up) throw unwinding{p.given_up};
    if (p.strand != thread.strand) throw capture_across_task(r.operation->name);
    guest* innermost = nullptr;
    for (fiber* f = thread.running; f; f = f->resumer->running) {
        if (f->dropped) throw_unwinding_again(*f, r.operation->name);
        if (f->pinned) throw capture_across_task(r.operation->name);
        if (!innermost) innermost = f->guests;
        if (f == &p) {
            if (innermost) {
                innermost->does->captured(*innermost, p);
                p.taken_along = innermost;
                p.outer_stamp = ~std::uint64_t{0}; // of no frame: the next resume relinks
            }
            return;
        }
        if (f == thread.strand) break;
    }
    throw capture_across_task(r.operation->name);
}

void raise_error(request& r) {
    std::exception_ptr error = std::move(r.error);
    r.error.~exception_ptr();
    std::rethrow_exception(std::move(error));
}

void refuse_in_unwinding_slowly(std::string_view what) {
    thread_state& thread = *this_thread();
    for (fiber* f = thread.running; f && f != thread.strand; f = f->resumer->running)
        if (f->dropped) throw_unwinding_again(*f, what);
}

bool in_unwinding_slowly() noexcept {
    thread_state& thread = *this_thread();
    for (fiber* f = thread.running; f && f != thread.strand; f = f->resumer->running)
        if (f->dropped) return true;
    return false;
}

void end(prompt& p) noexcept {
    std::uint32_t const uses = p.uses.load(std::memory_order_acquire);
    if (uses == 0)
        p.destroy(&p);
    else if (single_threaded())
        p.uses.store(uses | 1, std::memory_order_relaxed);
    else if (p.uses.fetch_or(1, std::memory_order_acq_rel) == 0)
        p.destroy(&p);
}

void relink(prompt& p, request& r, thread_state& thread) noexcept {
    p.outermost->outer = thread.top;
    p.outer_stamp = thread.top->stamp;
    if (guest* innermost = std::exchange(p.taken_along, nullptr)) innermost->does->resumed(*innermost);
    frame* frames = r.here.frames;
    fiber* f = r.here.running;
    for (;;) {
        for (; frames; frames = frames->below) {
            forget_lookups(*frames);
            frames->stamp = new_stamp(thread);
        }
        f->strand = thread.strand;
        if (f == &p) return;
        frames = f->resumer->frames;
        f = f->resumer->running;
    }
}

void drop(request& r) noexcept {
    prompt& p = *r.target;
    context here;
    r.how = outcome::unwind;
    p.dropped = true;
    thread_state& thread = *this_thread();
    ++thread.pinned;
    continue_with(r, thread, here);
    --this_thread()->pinned;
    end(p);
}

void forget(request& r) noexcept {
    prompt* last = r.target;
    for (fiber* f = r.here.running;; f = f->resumer->running) { // first: they may hold each other
        running_clause::forget_all_on(*f);
        if (f == last) break;
    }
    context* suspended = &r.here;
    for (;;) {
        auto* p = static_cast<prompt*>(suspended->running);
        context* next = p->resumer; // on the next stack; the last one's is not ours
        abandon(*suspended);
        end(*p);
        if (p == last) return;
        suspended = next;
    }
}

void throw_already_used() { throw resumption_already_used(); }

void throw_no_exception() {
    throw std::invalid_argument("resume_with_exception was given a null std::exception_ptr: there is nothing to throw");
}

} // namespace effects::detail
