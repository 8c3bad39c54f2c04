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
    operation_info const* operation;
    void (*destroy)(void* held) noexcept; // null: nothing to destroy
    union {
        void* held;
        std::byte value[16];
    };
};

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
        into.destroy = [](void* held) noexcept { delete static_cast<T*>(held); };
    }
}
template <class T>
T const& recorded_value(recorded_answer const& from) noexcept {
    if constexpr (recorded_in_place<T>)
        return *std::launder(reinterpret_cast<T const*>(from.value));
    else
        return *static_cast<T const*>(from.held);
}

// Not a template: its address tells an exception from an answer.
void destroy_exception(void* held) noexcept;
inline void record_exception(recorded_answer& into, std::exception_ptr error) {
    into.held = new std::exception_ptr(std::move(error));
    into.destroy = &destroy_exception;
}

// The answers of a run from one choice (or the start) to the next. Runs that went different ways at a choice share what
// came before it. Complete once something refers to it from `before`.
struct replay_part {
    replay_root* root;
    replay_part* before; // held; also links the idle ones
    std::uint64_t id;    // never given again
    std::uint32_t depth;
    std::uint32_t references;
    std::uint32_t resumptions;  // that lead here
    request* asked;             // the run that came here first waits: the first resume continues it
    replay_run* run;            // that run
    operation_info const* once; // of an answer, here or before, that could not be recorded
    recorded_answer* answers;
    std::uint32_t size;
    std::uint32_t capacity;
    recorded_answer nearby[2]; // the first answers lie here
};

// One run of a multishot body: first answers what was recorded, then performs and records. Lives as long as its stack.
struct replay_run {
    replay_root* root = nullptr;
    recorded_answer const* next = nullptr; // still to be answered; null: none
    recorded_answer const* end = nullptr;
    replay_part* current = nullptr;   // what is being recorded; held
    std::vector<recorded_answer> own; // what is still to be answered, when another run needs the root's list
    std::exception_ptr diverged;
    replay_run* idle = nullptr;

    bool replaying() const noexcept { return next != nullptr; }
    recorded_answer const& take(operation_info const& performed) {
        recorded_answer const& answer = *next;
        if (answer.operation != &performed) [[unlikely]]
            diverge(&performed);
        if (++next == end) next = nullptr;
        if (answer.destroy == &destroy_exception) [[unlikely]]
            rethrow(answer);
        return answer;
    }
    [[noreturn]] static void rethrow(recorded_answer const& answer);
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
};

// What all runs of one `multishot::handle` share. One thread at a time.
struct replay_root {
    std::uint32_t references = 0; // by runs and parts
    void (*destroy)(replay_root* self) noexcept = nullptr;
    any_function start = nullptr; // Answer (*)(replay_root*, replay_run*): runs the body
    replay_part* idle_parts = nullptr;
    replay_run* idle_runs = nullptr;
    std::uint64_t next_id = 1;

    // The answers of the latest replay, and which parts they are of, outermost first: the next one mostly shares them.
    struct told_part {
        std::uint64_t id;
        std::size_t end;
    };
    std::vector<told_part> told;
    std::vector<recorded_answer> answers;
    replay_run* replaying = nullptr; // reads `answers`, unless it has ended or come to their end

    replay_root() = default;
    replay_root(replay_root const&) = delete;
    replay_root& operator=(replay_root const&) = delete;
    ~replay_root();
};

void hold(replay_root& root) noexcept;
void let_go(replay_root& root) noexcept;

// A run that starts from the beginning, or replays what led to `after` first and has all that is added to it before it starts.
replay_run* make_run(replay_root& root, replay_part* after);
void start_replay(replay_run& run); // all has been added
void end_run(replay_run& run) noexcept;

// The run waits in `asked` for an answer, of which there may be several: gives what its resumption refers to.
replay_part* wait_for_answer(replay_run& run, request* asked) noexcept;
// The first resume: takes what waits out of the part, if it still does, and lets its run record what follows elsewhere.
request* take_waiting(replay_part& part);
void add_resumption(replay_part* part) noexcept;
void remove_resumption(replay_part* part) noexcept; // the last one drops what waits
void forget_waiting(replay_part& part) noexcept;
// Throws `multishot::unrepeatable` where a run can't be led here again.
void check_repeatable(replay_part const& part);

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
    if (run.replaying()) {
        [[maybe_unused]] recorded_answer const& recorded = run.take(operation_id<Op>::info);
        if constexpr (std::is_void_v<result>)
            return;
        else if constexpr (std::is_reference_v<result>)
            return static_cast<result>(*recorded_value<std::remove_reference_t<result>*>(recorded));
        else if constexpr (Copies)
            return recorded_value<std::remove_cv_t<result>>(recorded);
    }
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
