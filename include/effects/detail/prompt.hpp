// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <utility>

#include <effects/detail/caught_exception.hpp>
#include <effects/detail/fiber.hpp>
#include <effects/detail/kept.hpp>
#include <effects/detail/switch.hpp>
#include <effects/operation.hpp>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define EFFECTS_KNOWS_SINGLE_THREADED
#endif

namespace effects::detail {

struct request;

// A handled body on a stack of its own: what is captured when it performs an operation of a `control` clause, and
// what a resume continues. The typed part (clauses, body, result) derives from it; all lie at the stack's top.
struct prompt : fiber {
    request* asked = nullptr;      // what suspended it; null: it ended
    frame* outermost = nullptr;    // its frame whose `outer` each resume relinks
    std::uint64_t outer_stamp = 0; // of the frame that it was last resumed under
    any_function finish = nullptr; // Answer (*)(prompt*): takes the answer out, destroys, gives the stack back
    void (*destroy)(prompt*) noexcept = nullptr;
    guest* taken_along = nullptr;        // the innermost guest of what is captured
    std::atomic<std::uint32_t> uses = 0; // 2 for each of its clauses that is running, 1 once the body has ended
    void const* given_up = nullptr;      // its abort_state, once an `aborts` clause has answered
    caught_exception thrown;             // by the body

    void make_as_new() noexcept; // once it has ended, or been forgotten, and before its body runs again
};

enum class outcome : unsigned char { value, exception, unwind };

// An operation that waits for its answer, on the stack that performed it.
struct request {
    request() noexcept {} // one is made for each perform: nothing is set twice

    context here;
    prompt* target;
    void* handler; // the layer whose clause it asks for
    operation_info const* operation;
    void const* argument;
    any_function clause; // tail<Answer> (*)(request*)
    bool movable;
    outcome how = outcome::value;
    union {
        std::exception_ptr error; // there where `how` says exception
    };
    ~request() {}
};

// Thrown through a body that is given up: its resumption was dropped, or one of its operations aborted. Not a
// std::exception, so that only `catch (...)` meets it.
struct unwinding {
    void const* target; // the prompt, or the abort_state, that it goes to
};

template <class Op>
struct request_for : request {
    kept<result_of<Op>> answer;
};

// The body has ended, or never goes on: destroys it all, at once or when the last of its running clauses returns.
void end(prompt& p) noexcept;

// The `finish` of a body that has thrown. Few frames lie between it and who catches: `settle` has jumped here.
template <class Answer>
Answer throw_on(prompt* p) {
    p->thrown.throw_on([p]() noexcept { end(*p); });
}

// Whether atomic operations may be done without the processor's.
inline bool single_threaded() noexcept {
#ifdef EFFECTS_KNOWS_SINGLE_THREADED
    return __libc_single_threaded;
#else
    return false;
#endif
}

// A running clause, as the stack that it runs on knows it.
struct clause_link {
    prompt* of;
    clause_link* below;
};

// The clauses lie on the stack of the body that they may resume, drop, or hand to another thread, which may end it
// while they run. Holds the prompt for as long as one does. Both it and its link lie on the stack that the clause runs on.
class running_clause {
public:
    [[gnu::always_inline]] running_clause(prompt& p, thread_state const& thread, clause_link& link) noexcept
        : prompt_(p), on_(thread.running) {
        if (p.uses.load(std::memory_order_relaxed) == 0) [[likely]] // so nobody else can see it now
            p.uses.store(2, std::memory_order_relaxed);
        else if (single_threaded())
            p.uses.store(p.uses.load(std::memory_order_relaxed) + 2, std::memory_order_relaxed);
        else
            p.uses.fetch_add(2, std::memory_order_relaxed);
        if (on_) {
            link = {&p, on_->clauses};
            on_->clauses = &link;
        }
    }
    running_clause(running_clause const&) = delete;
    running_clause& operator=(running_clause const&) = delete;
    [[gnu::always_inline]] ~running_clause() {
        if (on_) on_->clauses = on_->clauses->below;
        if (!left_) leave(prompt_);
    }

    // It returns its own resumption: the body is suspended, and nobody else can end it.
    [[gnu::always_inline]] void returns_resumption() noexcept {
        if (prompt_.uses.load(std::memory_order_relaxed) != 2) return;
        prompt_.uses.store(0, std::memory_order_relaxed);
        left_ = true;
    }

    // Its stack is never continued.
    static void forget_all_on(fiber& f) noexcept {
        for (clause_link* c = std::exchange(f.clauses, nullptr); c; c = c->below) leave(*c->of);
    }

private:
    [[gnu::always_inline]] static void leave(prompt& p) noexcept {
        if (single_threaded()) {
            std::uint32_t uses = p.uses.load(std::memory_order_relaxed) - 2;
            p.uses.store(uses, std::memory_order_relaxed);
            if (uses == 1) p.destroy(&p);
            return;
        }
        if (p.uses.fetch_sub(2, std::memory_order_acq_rel) == 3) p.destroy(&p);
    }

    prompt& prompt_;
    fiber* on_;
    bool left_ = false;
};

[[gnu::cold]] void refuse_pinned(request& r, prompt& p);
[[noreturn, gnu::cold]] void raise_error(request& r); // what it is resumed with in a value's stead

// Leaves the body up to and including its prompt; returns when it is resumed with a value. Throws what it is resumed with.
[[gnu::always_inline]] inline void capture(request& r, prompt& p) {
    thread_state& thread = *this_thread();
    if (p.strand != thread.strand || thread.pinned != 0 || p.given_up) [[unlikely]]
        refuse_pinned(r, p);
    r.target = &p;
    p.asked = &r;
    switch_to(thread, r.here, *p.resumer);
    if (r.how != outcome::value) [[unlikely]] {
        if (r.how == outcome::unwind) throw unwinding{&p}; // here, for the unwinder has one frame less to go through
        raise_error(r);
    }
}

// Whether its handlers lie under those in force, as they did the last time.
inline bool installed_under(prompt const& p, thread_state const& thread) noexcept {
    return p.outermost->outer == thread.top && p.outer_stamp == thread.top->stamp && p.strand == thread.strand;
}

// A resume's parent differs from the last one: lookups that were remembered inside may be wrong now.
void relink(prompt& p, request& r, thread_state& thread) noexcept;

// Continues what `r` suspended; returns when the prompt asks again or ends.
[[gnu::always_inline]] inline void continue_with(request& r, thread_state& thread, context& here) noexcept {
    prompt& p = *r.target;
    p.resumer = &here;
    if (!installed_under(p, thread)) [[unlikely]]
        relink(p, r, thread);
    switch_to(thread, here, r.here);
}

void drop(request& r) noexcept;   // unwinds the captured frames
void forget(request& r) noexcept; // gives their stacks back as they are

[[noreturn]] void throw_already_used();
[[noreturn]] void throw_no_exception();

// A request is answered once: takes it out of the resumption.
inline request& claim(request*& r) {
    if (!r) [[unlikely]]
        throw_already_used();
    return *std::exchange(r, nullptr);
}

} // namespace effects::detail
