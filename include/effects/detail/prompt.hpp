// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <utility>

#include <effects/detail/fiber.hpp>
#include <effects/detail/kept.hpp>
#include <effects/operation.hpp>

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
};

enum class outcome : unsigned char { value, exception, unwind };

// An operation that waits for its answer, on the stack that performed it.
struct request {
    context here;
    prompt* target = nullptr;
    void* handler = nullptr; // the layer whose clause it asks for
    operation_info const* operation = nullptr;
    void const* argument = nullptr;
    any_function clause = nullptr; // tail<Answer> (*)(request*)
    std::exception_ptr error;
    outcome how = outcome::value;
    bool movable = false;
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

// The clauses lie on the stack of the body that they may resume, drop, or hand to another thread, which may end it
// while they run. Holds the prompt for as long as one does; lies on the stack that it runs on.
class running_clause {
public:
    explicit running_clause(prompt& p) noexcept : prompt_(p), on_(this_thread()->running) {
        if (p.uses.load(std::memory_order_relaxed) == 0) // so nobody else can see it now
            p.uses.store(2, std::memory_order_relaxed);
        else
            p.uses.fetch_add(2, std::memory_order_relaxed);
        if (on_) below_ = std::exchange(on_->clauses, this);
    }
    running_clause(running_clause const&) = delete;
    running_clause& operator=(running_clause const&) = delete;
    ~running_clause() {
        if (on_) on_->clauses = below_;
        if (!left_) leave(prompt_);
    }

    // It returns its own resumption: the body is suspended, and nobody else can end it.
    void returns_resumption() noexcept {
        if (prompt_.uses.load(std::memory_order_relaxed) != 2) return;
        prompt_.uses.store(0, std::memory_order_relaxed);
        left_ = true;
    }

    // Its stack is never continued.
    static void forget_all_on(fiber& f) noexcept {
        for (running_clause* c = std::exchange(f.clauses, nullptr); c; c = c->below_) leave(c->prompt_);
    }

private:
    static void leave(prompt& p) noexcept;

    prompt& prompt_;
    fiber* on_;
    running_clause* below_ = nullptr;
    bool left_ = false;
};

// Leaves the body up to and including its prompt; returns when it is resumed with a value. Throws what it is resumed with.
void capture(request& r, prompt& p);

// A resume's parent differs from the last one: lookups that were remembered inside may be wrong now.
void relink(prompt& p, request& r, thread_state& thread) noexcept;

// Continues what `r` suspended; returns when the prompt asks again or ends.
[[gnu::always_inline]] inline void continue_with(request& r, context& here) noexcept {
    prompt& p = *r.target;
    thread_state& thread = *this_thread();
    p.resumer = &here;
    if (p.outermost->outer != thread.top || p.outer_stamp != thread.top->stamp || p.strand != thread.strand)
        [[unlikely]]
        relink(p, r, thread);
    switch_to(here, r.here);
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
