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
        if (recorded_answer& answer = part.answers[i]; answer.destroy) answer.destroy(answer);
    part.size = 0;
}

// A part of the root's, with nothing in it, becomes the one after `before`.
void begin(replay_part& part, replay_part* before) noexcept {
    part.before = before;
    part.depth = before ? before->depth + 1 : 1;
    part.once = before ? before->once : nullptr;
    part.id = part.root->next_id++;
    if (before) ++before->references;
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
    part->references = 1;
    part->resumptions = 0;
    part->asked = nullptr;
    part->run = nullptr;
    begin(*part, before);
    hold(root);
    return part;
}

void let_go(replay_part* part) noexcept {
    if (part && --part->references == 0) let_go_slowly(part);
}

} // namespace

void let_go_slowly(replay_part* part) noexcept {
    do {
        replay_part* before = part->before;
        replay_root& root = *part->root;
        destroy_answers(*part);
        part->before = root.idle_parts;
        root.idle_parts = part;
        let_go(root);
        part = before;
    } while (part && --part->references == 0);
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
    if (replay_run* ready = root.ready) {
        if (ready->current)
            begin(*ready->current, after);
        else
            ready->current = make_part(root, after);
        root.ready = nullptr;
        return ready;
    }
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

namespace {

// Writes down what led to `place`.
[[gnu::noinline]] void tell(replay_root& root, replay_part& place) {
    std::size_t size = 0;
    replay_part* part = &place;
    for (; part; part = part->before) {
        if (part->depth <= root.told_parts && root.told[part->depth - 1].id == part->id) break;
        size += part->size;
    }
    std::size_t const shared = root.told_parts = part ? part->depth : 0;
    size += part ? root.told[shared - 1].end : 0;
    if (root.told.size() < place.depth) root.told.resize(std::size_t{2} * place.depth);
    if (root.answers.size() < size + 2) root.answers.resize(2 * size + 2);
    for (part = &place; part && part->depth > shared; part = part->before) {
        root.told[part->depth - 1] = {part->id, size};
        size -= part->size;
        std::copy_n(part->answers, part->size, root.answers.begin() + static_cast<std::ptrdiff_t>(size));
    }
}

// The run that has read the root's list must not read it any more.
[[gnu::noinline]] void read_elsewhere(replay_run& run) {
    if (run.replaying()) { // in the midst of it: rare
        recorded_answer const* end = run.next;
        while (end->operation) ++end;
        run.own.assign(run.next, end + 1);
    }
    run.next = run.replaying() ? run.own.data() : &nothing_recorded;
    run.root->replaying = nullptr;
}

} // namespace

void start_replay(replay_run& run) {
    replay_root& root = *run.root;
    if (root.replaying) read_elsewhere(*root.replaying);

    // What is told already, from the outermost part on, stays; the rest is told anew.
    replay_part* const place = run.current->before;
    if (place->depth > root.told_parts || root.told[place->depth - 1].id != place->id) tell(root, *place);
    root.told_parts = place->depth;
    std::size_t const size = root.told[place->depth - 1].end;
    root.answers[size] = run.current->answers[0];
    root.answers[size + 1].operation = nullptr;
    run.next = root.answers.data();
    root.replaying = &run;
}

namespace {

void clear(replay_run& run) noexcept {
    run.next = &nothing_recorded;
    run.may_start_again = false;
    if (run.root->replaying == &run) run.root->replaying = nullptr;
    if (!run.own.empty()) run.own.clear();
    if (run.diverged) run.diverged = nullptr;
}

} // namespace

void end_run(replay_run& run) noexcept {
    if (prompt* p = std::exchange(run.ready, nullptr)) return p->destroy(p); // and so comes here again
    replay_root& root = *run.root;
    clear(run);
    replay_part* recorded = std::exchange(run.current, nullptr);
    run.idle = root.idle_runs;
    root.idle_runs = &run;
    let_go(recorded);
    let_go(root);
}

void keep_ready(replay_run& run, prompt& p) noexcept {
    clear(run);
    if (replay_part* part = run.current; part->references == 1) { // nothing but this run: the next one's as well
        destroy_answers(*part);
        let_go(std::exchange(part->before, nullptr));
    } else {
        run.current = nullptr;
        let_go(part);
    }
    if (run.root->ready) return p.destroy(&p); // a destructor of the user's has run the body meanwhile
    run.ready = &p;
    run.root->ready = &run;
}

void end_ready(replay_root& root) noexcept { end_run(*std::exchange(root.ready, nullptr)); }

request* take_waiting_slowly(replay_part& part) {
    replay_run& run = *part.run;
    replay_part* next = make_part(*part.root, &part);
    let_go(std::exchange(run.current, next));
    return std::exchange(part.asked, nullptr);
}

void drop_waiting(replay_part& part) noexcept { drop(*std::exchange(part.asked, nullptr)); }

void forget_waiting(replay_part& part) noexcept {
    if (request* waiting = std::exchange(part.asked, nullptr)) {
        part.run->may_start_again = true;
        forget(*waiting);
    }
}

void throw_unrepeatable(replay_part const& place) { throw multishot::unrepeatable(place.once->name); }

constinit operation_info const it_threw{};
constinit recorded_answer const nothing_recorded{};

void record_exception(recorded_answer& into, std::exception_ptr error) {
    auto* held = new std::exception_ptr(std::move(error));
    into.thrown = {held, std::exchange(into.operation, &it_threw)};
    into.destroy = [](recorded_answer& answer) noexcept { delete answer.thrown.error; };
}

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

void replay_run::not_answered(operation_info const& performed) {
    if (next->operation != &it_threw || next->thrown.operation != &performed) diverge(&performed);
    std::rethrow_exception(*(next++)->thrown.error);
}

void replay_run::diverge(operation_info const* performed) {
    std::string_view recorded = (next->operation == &it_threw ? next->thrown.operation : next->operation)->name;
    next = &nothing_recorded;
    diverged = std::make_exception_ptr(multishot::divergence(recorded, performed ? performed->name : ""));
    std::rethrow_exception(diverged);
}

void replay_run::refuse_to_go_on() {
    if (std::uncaught_exceptions() == 0) std::rethrow_exception(diverged); // a destructor's must not throw
}

void replay_run::threw() {
    may_start_again = true;
    if (diverged) std::rethrow_exception(diverged);
}

void replay_run::ended() {
    may_start_again = true;
    if (diverged) std::rethrow_exception(diverged);
    if (replaying()) diverge(nullptr);
}

} // namespace detail
} // namespace effects
