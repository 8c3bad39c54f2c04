// SPDX-License-Identifier: BSL-1.0
#include <effects/multishot.hpp>

#include <algorithm>
#include <exception>

namespace effects {

namespace {

std::string divergence_text(std::string_view recorded, std::string_view performed) {
    std::string text = "a multishot body that was run again did not do what it had done before: ";
    if (performed.empty())
        text.append("it ended instead of performing ").append(recorded);
    else
        text.append("it performed ").append(performed).append(" instead of ").append(recorded);
    text.append("; what a body sees and does that may differ between runs has to be an operation");
    return text;
}

} // namespace

namespace multishot {

divergence::divergence(std::string_view recorded, std::string_view performed)
    : std::logic_error(divergence_text(recorded, performed)), recorded_(recorded), performed_(performed) {}

unrepeatable::unrepeatable(std::string_view operation)
    : std::logic_error("a multishot body can't be run again up to this place: it performed " + std::string(operation) +
                       " on the way, whose answer was not recorded, because its result_type is not known to be "
                       "copyable (an operation whose can be copied says `static constexpr bool replayable = true;`), "
                       "or because it says that it must not be replayed"),
      operation_(operation) {}

} // namespace multishot

namespace detail {

namespace {

void destroy_answers(replay_part& part) noexcept {
    for (std::uint32_t i = 0; i < part.size; ++i)
        if (recorded_answer& answer = part.answers[i]; answer.destroy) answer.destroy(answer.held);
    part.size = 0;
}

replay_part* make_part(replay_root& root, replay_part* before) {
    replay_part* part = root.idle_parts;
    if (part) {
        root.idle_parts = part->before;
    } else {
        part = new replay_part;
        part->root = &root;
        part->answers = part->nearby;
        part->size = 0;
        part->capacity = 2;
    }
    part->before = before;
    part->depth = before ? before->depth + 1 : 1;
    part->references = 1;
    part->resumptions = 0;
    part->asked = nullptr;
    part->run = nullptr;
    part->once = before ? before->once : nullptr;
    part->id = root.next_id++;
    if (before) ++before->references;
    hold(root);
    return part;
}

void let_go(replay_part* part) noexcept {
    while (part && --part->references == 0) {
        replay_part* before = part->before;
        replay_root& root = *part->root;
        destroy_answers(*part);
        part->before = root.idle_parts;
        root.idle_parts = part;
        effects::detail::let_go(root);
        part = before;
    }
}

} // namespace

void hold(replay_root& root) noexcept { ++root.references; }

void let_go(replay_root& root) noexcept {
    if (--root.references == 0) root.destroy(&root);
}

replay_root::~replay_root() {
    while (replay_part* part = idle_parts) {
        idle_parts = part->before;
        if (part->answers != part->nearby) delete[] part->answers;
        delete part;
    }
    while (replay_run* run = idle_runs) {
        idle_runs = run->idle;
        delete run;
    }
}

replay_run* make_run(replay_root& root, replay_part* after) {
    replay_part* part = make_part(root, after);
    replay_run* run = root.idle_runs;
    if (run) {
        root.idle_runs = run->idle;
    } else {
        try {
            run = new replay_run;
            run->root = &root;
        } catch (...) {
            let_go(part);
            throw;
        }
    }
    run->current = part;
    hold(root);
    return run;
}

void start_replay(replay_run& run) {
    replay_root& root = *run.root;
    if (replay_run* other = root.replaying; other && other->replaying()) { // in the midst of its replay: rare
        other->own.assign(other->next, other->end);
        other->next = other->own.data();
        other->end = other->next + other->own.size();
    }
    root.replaying = nullptr;

    // What is told already, from the outermost part on, stays; the rest is told anew.
    replay_part* const place = run.current->before;
    std::size_t size = 0;
    replay_part* part = place;
    for (; part; part = part->before) {
        if (part->depth <= root.told.size() && root.told[part->depth - 1].id == part->id) break;
        size += part->size;
    }
    std::size_t const shared = part ? part->depth : 0;
    size += part ? root.told[shared - 1].end : 0;
    try {
        root.told.resize(place->depth);
        root.answers.resize(size);
        for (part = place; part && part->depth > shared; part = part->before) {
            root.told[part->depth - 1] = {part->id, size};
            size -= part->size;
            std::copy_n(part->answers, part->size, root.answers.begin() + static_cast<std::ptrdiff_t>(size));
        }
        root.answers.push_back(run.current->answers[0]);
    } catch (...) {
        root.told.clear();
        throw;
    }
    run.next = root.answers.data();
    run.end = run.next + root.answers.size();
    root.replaying = &run;
}

void end_run(replay_run& run) noexcept {
    replay_root& root = *run.root;
    let_go(std::exchange(run.current, nullptr));
    run.next = run.end = nullptr;
    run.own.clear();
    run.diverged = nullptr;
    if (root.replaying == &run) root.replaying = nullptr;
    run.idle = root.idle_runs;
    root.idle_runs = &run;
    let_go(root);
}

replay_part* wait_for_answer(replay_run& run, request* asked) noexcept {
    replay_part* part = run.current;
    part->asked = asked;
    part->run = &run;
    add_resumption(part);
    return part;
}

request* take_waiting(replay_part& part) {
    if (!part.asked) return nullptr;
    replay_run& run = *part.run;
    replay_part* next = make_part(*part.root, &part);
    let_go(std::exchange(run.current, next));
    return std::exchange(part.asked, nullptr);
}

void add_resumption(replay_part* part) noexcept {
    ++part->references;
    ++part->resumptions;
}

void remove_resumption(replay_part* part) noexcept {
    if (--part->resumptions == 0)
        if (request* waiting = std::exchange(part->asked, nullptr)) drop(*waiting);
    let_go(part);
}

void forget_waiting(replay_part& part) noexcept {
    if (request* waiting = std::exchange(part.asked, nullptr)) forget(*waiting);
}

void check_repeatable(replay_part const& place) {
    if (place.once) throw multishot::unrepeatable(place.once->name);
}

void destroy_exception(void* held) noexcept { delete static_cast<std::exception_ptr*>(held); }

void replay_run::grow(replay_part& part) {
    std::uint32_t capacity = part.capacity * 4;
    auto* larger = new recorded_answer[capacity];
    for (std::uint32_t i = 0; i < part.size; ++i) larger[i] = part.answers[i];
    if (part.answers != part.nearby) delete[] part.answers;
    part.answers = larger;
    part.capacity = capacity;
}

void replay_run::add_exception(operation_info const& operation, std::exception_ptr error) {
    record_exception(add(operation), std::move(error));
    added();
}

void replay_run::rethrow(recorded_answer const& answer) {
    std::rethrow_exception(*static_cast<std::exception_ptr const*>(answer.held));
}

void replay_run::diverge(operation_info const* performed) {
    std::string_view recorded = next->operation->name;
    next = end = nullptr;
    diverged = std::make_exception_ptr(multishot::divergence(recorded, performed ? performed->name : ""));
    std::rethrow_exception(diverged);
}

void replay_run::refuse_to_go_on() {
    if (std::uncaught_exceptions() == 0) std::rethrow_exception(diverged); // a destructor's must not throw
}

void replay_run::ended() {
    if (diverged) std::rethrow_exception(diverged);
    if (replaying()) diverge(nullptr);
}

} // namespace detail
} // namespace effects
