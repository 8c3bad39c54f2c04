// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include <effects/detail/frame.hpp>
#include <effects/detail/prompt.hpp>
#include <effects/detail/replayable.hpp>
#include <effects/operation.hpp>

namespace effects::detail {

struct replay_root;
struct replay_run;

// How one operation of a multishot body was answered.
struct recorded_answer {
    struct exception {
        std::exception_ptr* error;
        operation_info const* operation;
    };

    operation_info const* operation; // null: the list ends here; &it_threw: not answered, but by an exception
    void (*destroy)(recorded_answer&) noexcept; // null: nothing to destroy
    union {
        void* held;
        std::byte value[16];
        exception thrown;
    };
};
extern constinit operation_info const it_threw;
extern constinit recorded_answer const nothing_recorded;

template <class T>
inline constexpr bool recorded_in_place = std::is_trivially_copyable_v<T> &&
                                          sizeof(T) <= sizeof(recorded_answer::value) && alignof(T) <= alignof(void*);

template <class T>
void record_value(recorded_answer& into, T value) {
    if constexpr (recorded_in_place<T>) {
        ::new (static_cast<void*>(into.value)) T(std::move(value));
        into.destroy = nullptr;
    } else {
        into.held = new T(std::move(value));
        into.destroy = [](recorded_answer& answer) noexcept { delete static_cast<T*>(answer.held); };
    }
}
template <class T>
T const& recorded_value(recorded_answer const& from) noexcept {
    if constexpr (recorded_in_place<T>)
        return *std::launder(reinterpret_cast<T const*>(from.value));
    else
        return *static_cast<T const*>(from.held);
}

void record_exception(recorded_answer& into, std::exception_ptr error);

// The answers of a run from one choice (or the start) to the next. Runs that went different ways at a choice share what
// came before it. Complete once something refers to it from `before`.
struct replay_part {
    replay_root* root;
    replay_part* before; // held; also links the idle ones
    std::uint64_t id;    // never given again
    std::uint32_t depth;
    std::uint32_t references;
    std::uint32_t resumptions;       // that lead here
    operation_info const* operation; // that is performed here
    request* asked;                  // the run that came here first waits: the first resume continues it
    replay_run* run;                 // that run
    operation_info const* once;      // of an answer, here or before, that could not be recorded
    recorded_answer* answers;
    std::uint32_t size;
    std::uint32_t capacity;
    recorded_answer nearby[2]; // the first answers lie here
};

// One run of a multishot body: first answers what was recorded, then performs and records. Lives as long as its stack.
struct replay_run {
    replay_root* root = nullptr;
    recorded_answer const* next = &nothing_recorded; // still to be answered
    replay_part* current = nullptr;                  // what is being recorded; held
    std::vector<recorded_answer> own; // what is still to be answered, when another run needs the root's list
    std::exception_ptr diverged;
    replay_run* idle = nullptr;
    frame* innermost = nullptr;   // of its handlers
    prompt* ready = nullptr;      // its stack with its handlers, as new: the body may run again there
    bool may_start_again = false; // the body has ended, or was forgotten

    bool replaying() const noexcept { return next->operation != nullptr; }
    // What was recorded is no answer to this: throws what it is, or `multishot::divergence`.
    [[noreturn]] void not_answered(operation_info const& performed);
    // It will be recorded if it throws nothing more.
    recorded_answer& add(operation_info const& operation) {
        replay_part& part = *current;
        if (part.size == part.capacity) [[unlikely]]
            grow(part);
        recorded_answer& answer = part.answers[part.size];
        answer.operation = &operation;
        answer.destroy = nullptr;
        return answer;
    }
    void added() noexcept { ++current->size; }
    void add_exception(operation_info const& operation, std::exception_ptr error);
    bool add_unrecorded(operation_info const& operation) noexcept {
        if (current->once) return false;
        current->once = &operation;
        return true;
    }

    static void grow(replay_part& part);
    // `performed` is null where the body ended.
    [[noreturn]] void diverge(operation_info const* performed);
    // It diverged before, and the body goes on.
    void refuse_to_go_on();
    // The body has returned, or thrown.
    void ended();
    void threw();
};

// What all runs of one `multishot::handle` share. One thread at a time.
struct replay_root {
    std::uint32_t references = 0; // by runs and parts, and while it is in use
    std::uint32_t in_use = 0;     // by `handle` and the resumes that run the body again
    void (*destroy)(replay_root* self) noexcept = nullptr;
    any_function start = nullptr;               // Answer (*)(replay_root*, replay_run*): runs the body on a new stack
    void (*reinstall)(prompt* ready) = nullptr; // its handlers, under those in force
    replay_part* idle_parts = nullptr;
    replay_run* idle_runs = nullptr;
    replay_run* ready = nullptr; // has ended, and is ready to start again; only while the root is in use
    std::uint64_t next_id = 1;

    // The answers of the latest replay, and which parts they are of, outermost first: the next one mostly shares them.
    struct told_part {
        std::uint64_t id;
        std::size_t end; // of its answers
    };
    std::vector<told_part> told;          // as large as has been needed
    std::vector<recorded_answer> answers; // always larger by two than what is told
    std::size_t told_parts = 0;
    replay_run* replaying = nullptr; // reads `answers`, unless it has ended or come to their end

    replay_root() = default;
    replay_root(replay_root const&) = delete;
    replay_root& operator=(replay_root const&) = delete;
    ~replay_root();
};

inline void hold(replay_root& root) noexcept { ++root.references; }
inline void let_go(replay_root& root) noexcept {
    if (--root.references == 0) root.destroy(&root);
}

// A run that starts from the beginning, or replays what led to `after` first and has all that is added to it before it starts.
replay_run* make_run(replay_root& root, replay_part* after);
void start_replay(replay_run& run); // all has been added
void end_run(replay_run& run) noexcept;

// The next run starts on this one's stack, where its handlers lie: `p`, which is as new.
inline bool may_be_ready(replay_run const& run) noexcept {
    return run.may_start_again && run.root->in_use != 0 && !run.root->ready;
}
void keep_ready(replay_run& run, prompt& p) noexcept;
void end_ready(replay_root& root) noexcept;

// The first resume: takes what waits out of the part, if it still does, and lets its run record what follows elsewhere.
request* take_waiting_slowly(replay_part& part);
inline request* take_waiting(replay_part& part) { return part.asked ? take_waiting_slowly(part) : nullptr; }
void forget_waiting(replay_part& part) noexcept;
void drop_waiting(replay_part& part) noexcept;
void let_go_slowly(replay_part* last) noexcept;
inline void add_resumption(replay_part* part) noexcept {
    ++part->references;
    ++part->resumptions;
}
// The run waits in `asked` for an answer, of which there may be several: gives what its resumption refers to.
inline replay_part* wait_for_answer(replay_run& run, operation_info const& operation, request* asked) noexcept {
    replay_part* part = run.current;
    part->operation = &operation;
    part->asked = asked;
    part->run = &run;
    add_resumption(part);
    return part;
}
inline void remove_resumption(replay_part* part) noexcept { // the last one drops what waits
    if (--part->resumptions == 0 && part->asked) drop_waiting(*part);
    if (--part->references == 0) let_go_slowly(part);
}
// Where a run can't be led here again.
[[noreturn]] void throw_unrepeatable(replay_part const& part);
inline void check_repeatable(replay_part const& part) {
    if (part.once) [[unlikely]]
        throw_unrepeatable(part);
}

template <class Op>
lookup_slot look_up_beyond(frame& top, std::size_t masked, std::source_location where, Op const* op);

// The body's live part: performs, skipping `masked` handlers outside the body, and records.
template <class Op, bool Copies>
[[gnu::noinline]] result_of<Op> perform_recorded(replay_run& run, frame* home, std::size_t masked, Op const* op,
                                                 bool movable) {
    using result = result_of<Op>;
    constexpr operation_info const& info = operation_id<Op>::info;
    if (run.diverged) [[unlikely]]
        run.refuse_to_go_on();
    lookup_slot slot{nullptr, nullptr, nullptr};
    if (masked == 0) slot = home->outer->cache[info.hash % lookup_slots];
    [[maybe_unused]] bool noted = false;
    try {
        if (slot.operation != &info) slot = look_up_beyond<Op>(*home->outer, masked, this_thread()->performed_at, op);
        auto answer = reinterpret_cast<result (*)(frame*, Op const*, bool)>(slot.answer);
        if constexpr (!Copies) {
            struct note {
                replay_run& run;
                bool& noted;
                ~note() { noted = run.add_unrecorded(info); }
            } at_return{run, noted};
            return answer(slot.home, op, movable);
        } else if constexpr (std::is_void_v<result>) {
            answer(slot.home, op, movable);
            run.add(info);
            run.added();
        } else if constexpr (std::is_reference_v<result>) {
            result given = answer(slot.home, op, movable);
            record_value(run.add(info), std::addressof(given));
            run.added();
            return static_cast<result>(given);
        } else {
            std::remove_cv_t<result> given = answer(slot.home, op, movable);
            record_value<std::remove_cv_t<result>>(run.add(info), std::as_const(given));
            run.added();
            return given;
        }
    } catch (unwinding const&) {
        throw;
    } catch (...) {
        if (noted) run.current->once = nullptr;
        run.add_exception(info, std::current_exception());
        throw;
    }
}

template <class Op, bool Copies>
[[gnu::always_inline]] inline result_of<Op> answer_at_edge(frame* home, std::size_t masked, Op const* op,
                                                           bool movable) {
    using result = result_of<Op>;
    auto& run = *static_cast<replay_run*>(home->self);
    recorded_answer const& recorded = *run.next;
    if constexpr (Copies) { // else it is never recorded
        if (recorded.operation == &operation_id<Op>::info) {
            run.next = &recorded + 1;
            if constexpr (std::is_void_v<result>)
                return;
            else if constexpr (std::is_reference_v<result>)
                return static_cast<result>(*recorded_value<std::remove_reference_t<result>*>(recorded));
            else
                return recorded_value<std::remove_cv_t<result>>(recorded);
        }
    }
    if (recorded.operation) [[unlikely]]
        run.not_answered(operation_id<Op>::info);
    return perform_recorded<Op, Copies>(run, home, masked, op, movable);
}

// How everything is answered that leaves a multishot body.
template <class Op, bool Copies>
result_of<Op> answer_recorded(frame* home, Op const* op, bool movable) {
    return answer_at_edge<Op, Copies>(home, 0, op, movable);
}
// And what is masked in it, for handlers outside it. Never remembered, so the search has just said how many they are.
template <class Op, bool Copies>
result_of<Op> answer_recorded_masked(frame* home, Op const* op, bool movable) {
    return answer_at_edge<Op, Copies>(home, this_thread()->masked, op, movable);
}

} // namespace effects::detail
