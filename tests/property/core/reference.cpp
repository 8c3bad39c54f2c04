// SPDX-License-Identifier: BSL-1.0
#include "reference.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace property {

namespace {

constexpr int most_steps = 1500;
constexpr std::size_t most_frames = 160;
constexpr std::size_t most_frames_of_a_fiber = 45; // its stack has a size

struct exception {
    int what = nothing;
    int target = 0; // of the unwinding: a handler, or less than zero a prompt
};

// What goes to the newest frame.
struct signal {
    enum { nothing_yet, done, value, thrown } kind = nothing_yet;
    int v = 0;
    exception e;
};

// What a stack of its own has of its own.
struct exceptions {
    std::vector<exception> caught;
    int uncaught = 0;
};

struct prompt {
    exceptions own;
    int handler = 0; // deep: the one that it belongs to
    bool dropped = false;
    int given_up = 0; // the handler that aborted it
};

// A call of handle.
struct installed {
    step const* by = nullptr;
    int environment = nowhere;
    int fiber = 0;
    bool aborted = false;
    int answer = 0;
    exception error;
};

// A call of a body or clause.
struct function {
    int sum = 0;
    int environment = nowhere;
};

enum class frame_kind : unsigned char {
    steps,
    call,
    repeat,
    attempt,
    catching,
    destructor,
    handlers,
    fiber,
    after, // what `handle` does when its body has ended
    mask,
    in_place,
    aborting,
    control,
    dropping,
    thread,
};

struct frame {
    frame_kind kind;
    int id = 0; // of a handler, prompt or function
    int at = 0; // the clause, what is left to repeat, the stage of what has several
    step const* by = nullptr;
    clause const* of = nullptr;
    block const* code = nullptr;
    std::size_t next = 0;
    std::vector<step const*> objects;
    signal pending;
    int tail = 0; // the continuation that a clause returns
    int environment = nowhere;
    exceptions own; // of a thread
};

using frames = std::vector<frame>;

struct continuation {
    frames held;
    int prompt = 0;
    bool shallow = false;
    int kept = 0; // moved to a slot
    int threads = 0;
};

class machine {
public:
    explicit machine(program const& p) {
        environments_.reserve(16);
        call(p.body, nowhere);
        try {
            run();
            if (signal_.kind == signal::value) log(event_kind::ended, 0, signal_.v);
            if (signal_.kind == signal::thrown) {
                log(event_kind::escaped, 0, signal_.e.what);
                --main_.uncaught;
            }
            for (bool again = true; std::exchange(again, false);)
                for (int& slot : slots_)
                    if (slot != 0) {
                        again = true;
                        drop(std::exchange(slot, 0));
                        run();
                    }
            assert(main_.uncaught == 0 && main_.caught.empty());
        } catch (verdict v) {
            result_.how = v;
        }
    }
    meaning take() { return std::move(result_); }

private:
    // ---- books ----

    void log(event_kind kind, int name, int a = 0, int b = 0) { result_.events.push_back({kind, name, a, b}); }
    void met(feature f) { ++result_.met[static_cast<std::size_t>(f)]; }
    [[noreturn]] void terminates(int blamed, int finally = nowhere) {
        result_.blamed = blamed;
        result_.finally = finally;
        throw verdict::terminates;
    }

    exceptions& current() {
        for (std::size_t i = stack_.size(); i-- > 0;) {
            if (stack_[i].kind == frame_kind::fiber) return prompts_[at(stack_[i].id)].own;
            if (stack_[i].kind == frame_kind::thread) return stack_[i].own;
        }
        return main_;
    }
    static std::size_t at(int id) { return static_cast<std::size_t>(id - 1); }
    template <class T>
    static int add(std::deque<T>& table, T made) {
        table.push_back(std::move(made));
        return static_cast<int>(table.size());
    }
    installed& handler(int id) { return handlers_[at(id)]; }
    int threads() const {
        return static_cast<int>(
            std::count_if(stack_.begin(), stack_.end(), [](frame const& f) { return f.kind == frame_kind::thread; }));
    }
    bool within(frame_kind kind) const {
        return std::any_of(stack_.begin(), stack_.end(), [&](frame const& f) { return f.kind == kind; });
    }

    // ---- signals ----

    void done() { signal_ = {signal::done, 0, {}}; }
    void give(int v) { signal_ = {signal::value, v, {}}; }
    void raise(exception e) {
        ++current().uncaught;
        signal_ = {signal::thrown, 0, e};
    }
    void pop() { stack_.pop_back(); }
    frame& push(frame_kind kind, int id = 0) {
        frame f;
        f.kind = kind;
        f.id = id;
        stack_.push_back(std::move(f));
        return stack_.back();
    }
    void steps(block const& code, int fn) {
        push(frame_kind::steps, fn).code = &code;
        signal_ = {};
    }
    void call(block const& code, int environment, int sum = 0) {
        int fn = add(functions_, {sum, environment});
        push(frame_kind::call, fn);
        steps(code, fn);
    }

    void run() {
        while (!stack_.empty()) {
            if (++steps_ > most_steps || stack_.size() > most_frames) throw verdict::too_long;
            std::size_t deep = 0;
            while (deep < stack_.size() && stack_[stack_.size() - 1 - deep].kind != frame_kind::fiber) ++deep;
            if (deep > most_frames_of_a_fiber) throw verdict::too_long;
            advance();
        }
    }

    void advance() {
        frame& f = stack_.back();
        switch (f.kind) {
        case frame_kind::steps:
            return advance_steps(f);
        case frame_kind::call: {
            int sum = functions_[at(f.id)].sum;
            pop();
            if (signal_.kind == signal::done) give(sum);
            return;
        }
        case frame_kind::repeat:
            if (signal_.kind == signal::thrown || f.at-- == 0) return pop();
            return steps(f.by->body, f.id);
        case frame_kind::attempt:
            return advance_attempt(f);
        case frame_kind::catching:
            current().caught.pop_back();
            if (signal_.kind == signal::done && f.by->kind == step_kind::catch_all && f.by->again) raise(f.pending.e);
            return pop();
        case frame_kind::destructor:
            if (signal_.kind == signal::thrown) terminates(f.by->name);
            pop();
            return done();
        case frame_kind::handlers:
            return advance_handlers(f);
        case frame_kind::fiber:
            return advance_fiber(f);
        case frame_kind::after:
            return advance_after(f);
        case frame_kind::mask:
            return pop();
        case frame_kind::in_place:
            if (signal_.kind == signal::value) signal_.v += f.of->value;
            return pop();
        case frame_kind::aborting:
            return advance_aborting(f);
        case frame_kind::control:
            return advance_control(f);
        case frame_kind::dropping:
            assert(signal_.kind == signal::done);
            return pop();
        case frame_kind::thread: {
            bool const thrown = signal_.kind == signal::thrown;
            exception e = signal_.e;
            pop();
            if (thrown) raise(e);
            return;
        }
        }
    }

    // Only in a catch block of the same function, lest an exception that is on its way is thrown once more, which libstdc++ can't do.
    bool may_rethrow() const {
        for (std::size_t i = stack_.size(); i-- > 0;) {
            if (stack_[i].kind == frame_kind::catching) return true;
            if (stack_[i].kind == frame_kind::call || stack_[i].kind == frame_kind::thread) return false;
        }
        return false;
    }

    // ---- blocks ----

    void advance_steps(frame& f) {
        if (f.pending.kind == signal::nothing_yet) {
            if (signal_.kind == signal::value) {
                log(event_kind::answered, (*f.code)[f.next - 1].name, signal_.v);
                int& sum = functions_[at(f.id)].sum;
                sum = (sum * 2 + signal_.v) % 1009;
            }
            if (signal_.kind != signal::thrown && f.next < f.code->size()) {
                signal_ = {};
                step const& s = (*f.code)[f.next++];
                return execute(s, f, f.id);
            }
            f.pending = signal_;
            if (f.pending.kind != signal::thrown) f.pending = {signal::done, 0, {}};
        }
        while (!f.objects.empty()) {
            step const& object = *f.objects.back();
            f.objects.pop_back();
            log(event_kind::destroyed, object.name, current().uncaught);
            if (object.body.empty()) continue;
            int environment = functions_[at(f.id)].environment;
            push(frame_kind::destructor).by = &object;
            return call(object.body, environment);
        }
        signal_ = f.pending;
        pop();
    }

    void execute(step const& s, frame& f, int fn) {
        int const environment = functions_[at(fn)].environment;
        switch (s.kind) {
        case step_kind::perform:
            return perform(s);
        case step_kind::local:
            f.objects.push_back(&s);
            return;
        case step_kind::scope:
            return steps(s.body, fn);
        case step_kind::repeat: {
            frame& r = push(frame_kind::repeat, fn);
            r.by = &s;
            r.at = s.value;
            return done();
        }
        case step_kind::fail:
            log(event_kind::throws, s.name, s.value);
            return raise({s.value, 0});
        case step_kind::rethrow:
            if (!may_rethrow()) terminates(s.name);
            return raise(exception(current().caught.back()));
        case step_kind::catch_own:
        case step_kind::catch_all: {
            frame& a = push(frame_kind::attempt, fn);
            a.by = &s;
            return steps(s.body, fn);
        }
        case step_kind::observe: {
            exceptions& now = current();
            log(event_kind::sees, s.name, now.uncaught, now.caught.empty() ? nothing : now.caught.back().what);
            return;
        }
        case step_kind::handle:
        case step_kind::shallow:
            return handle(s, environment);
        case step_kind::mask:
            push(frame_kind::mask).by = &s;
            return steps(s.body, fn);
        case step_kind::resume:
        case step_kind::resume_with_exception: {
            int k = take(s.source, environment);
            if (k == 0) return refuse_used();
            if (s.kind == step_kind::resume) return resume(k, {signal::value, s.value, {}});
            met(feature::resumed_by_exception);
            return resume(k, {signal::thrown, 0, {s.value, 0}});
        }
        case step_kind::drop:
            if (int k = take(s.source, environment); k != 0) {
                log(event_kind::dropped, s.name);
                drop(k);
            }
            return;
        case step_kind::forget: {
            int k = take(s.source, environment);
            if (k == 0) return refuse_used();
            return forget(s, k);
        }
        case step_kind::keep:
            if (environment == nowhere || environments_[static_cast<std::size_t>(environment)] == 0) return;
            {
                log(event_kind::kept, s.name, s.slot);
                int k = take(own, environment);
                continuations_[at(k)].kept = 1;
                int old = std::exchange(slots_[s.slot], k);
                if (old != 0) drop(old);
            }
            return;
        case step_kind::thread:
            push(frame_kind::thread);
            return steps(s.body, fn);
        }
    }

    void advance_attempt(frame& f) {
        if (signal_.kind != signal::thrown) return pop();
        if (f.by->kind == step_kind::catch_own && signal_.e.what < 0) return pop();
        exceptions& now = current();
        --now.uncaught;
        now.caught.push_back(signal_.e);
        log(event_kind::caught, f.by->name, signal_.e.what);
        if (signal_.e.what == the_unwinding && !f.by->again) met(feature::unwinding_swallowed);
        f.kind = frame_kind::catching;
        f.pending = signal_;
        steps(f.by->rescue, f.id);
    }

    // ---- handlers ----

    static bool captures(step const& s) {
        return std::any_of(s.clauses.begin(), s.clauses.end(),
                           [](clause const& c) { return c.kind == clause_kind::control; });
    }

    void handle(step const& s, int environment) {
        int k = 0;
        if (s.source != nowhere) {
            k = take(s.source, environment);
            if (k == 0) return refuse_used();
            met(feature::resumed_while_handled);
        }
        installed made;
        made.by = &s;
        made.environment = environment;
        int h = add(handlers_, made);
        push(frame_kind::after, h);
        if (s.kind == step_kind::shallow) {
            met(feature::shallow);
            push(frame_kind::handlers, h);
            if (k != 0 && continuations_[at(k)].shallow) {
                handler(h).fiber = continuations_[at(k)].prompt;
                return resume(k, {signal::value, s.value, {}});
            }
            push(frame_kind::fiber, handler(h).fiber = add(prompts_, {}));
        } else {
            if (captures(s)) {
                prompt p;
                p.handler = h;
                push(frame_kind::fiber, handler(h).fiber = add(prompts_, p));
            }
            push(frame_kind::handlers, h);
        }
        if (k != 0) return resume(k, {signal::value, s.value, {}});
        call(s.body, environment);
    }

    // The body has ended: what an abort left is its answer, unless somebody further out gives up this handler, too.
    void advance_handlers(frame& f) {
        installed& h = handler(f.id);
        int const id = f.id;
        pop();
        if (!h.aborted) return;
        if (signal_.kind == signal::thrown) {
            if (signal_.e.what == the_unwinding && signal_.e.target != id) return met(feature::abort_replaced);
            --current().uncaught;
        }
        if (h.error.what != nothing) {
            met(feature::clause_throws);
            return raise(h.error);
        }
        give(h.answer);
    }

    void advance_fiber(frame& f) {
        prompt& p = prompts_[at(f.id)];
        step const* by = p.handler != 0 ? handler(p.handler).by : nullptr;
        if (!p.dropped) {
            bool const thrown = signal_.kind == signal::thrown;
            exception e = signal_.e;
            pop();
            if (thrown) raise(e);
            return;
        }
        // Value and exception of a dropped body are discarded, then its finally clauses run.
        if (f.at == 0) {
            if (signal_.kind == signal::thrown) --p.own.uncaught;
            f.pending = {signal::done, 0, {}};
        } else {
            leave_finally(f, by->name);
        }
        if (by && f.at < by->leaves) {
            met(feature::leaves_dropped);
            return start_finally(f, p.handler);
        }
        if (f.pending.kind == signal::thrown) {
            assert(f.pending.e.what == the_unwinding);
            --p.own.uncaught;
        }
        pop();
        if (by) pop(); // what follows a value
        done();
    }

    void start_finally(frame& f, int h) {
        installed& of = handler(h);
        log(event_kind::leaves, of.by->name, f.at);
        if (f.pending.kind == signal::thrown) {
            --current().uncaught;
            current().caught.push_back(f.pending.e);
        }
        block const& code = of.by->leaving[f.at++];
        call(code, of.environment);
    }
    // One of the clauses has ended.
    void leave_finally(frame& f, int name) {
        bool const dropped = f.kind == frame_kind::fiber;
        if (f.pending.kind == signal::thrown) {
            current().caught.pop_back();
            if (signal_.kind != signal::thrown) ++current().uncaught;
        }
        if (signal_.kind != signal::thrown) return;
        met(feature::leaves_throwing);
        if (dropped && signal_.e.what != the_unwinding) terminates(name, f.at - 1);
        f.pending = signal_;
    }

    // `returns`, then `finally`. The clauses of finally that have run: at; -1 while `returns` runs.
    void advance_after(frame& f) {
        installed& h = handler(f.id);
        if (f.at == 0 && f.pending.kind == signal::nothing_yet) {
            if (signal_.kind == signal::value && h.by->maps && !h.aborted) {
                log(event_kind::returns, h.by->name, signal_.v);
                f.at = -1;
                f.pending = signal_;
                return call(h.by->mapping, h.environment, signal_.v);
            }
            f.pending = signal_;
        } else if (f.at == -1) {
            f.at = 0;
            f.pending = signal_;
        } else {
            leave_finally(f, h.by->name);
        }
        if (f.at < h.by->leaves) return start_finally(f, f.id);
        signal_ = f.pending;
        pop();
    }

    // ---- operations ----

    struct answerer {
        std::size_t frame; // none: no_handler
        int clause;
    };
    static constexpr std::size_t no_handler = ~std::size_t{0};

    std::size_t place_of(int h) const {
        for (std::size_t i = stack_.size(); i-- > 0;)
            if (stack_[i].kind == frame_kind::handlers && stack_[i].id == h) return i;
        assert(false);
        return no_handler;
    }

    answerer look_up(int operation) {
        int masked = 0;
        for (std::size_t i = stack_.size(); i-- > 0;) {
            int first = 0;
            switch (stack_[i].kind) {
            case frame_kind::thread:
                return {no_handler, 0};
            case frame_kind::mask:
                if (stack_[i].by->operation == operation) ++masked;
                continue;
            case frame_kind::in_place:
            case frame_kind::aborting: // what lies outside this very clause is in force in it
                first = stack_[i].at + 1;
                i = place_of(stack_[i].id);
                break;
            case frame_kind::handlers:
                break;
            default:
                continue;
            }
            auto const& clauses = handler(stack_[i].id).by->clauses;
            for (int c = first; c < static_cast<int>(clauses.size()); ++c) {
                if (clauses[static_cast<std::size_t>(c)].operation != operation) continue;
                if (masked == 0) return {i, c};
                met(feature::masked);
                --masked;
            }
        }
        return {no_handler, 0};
    }

    void perform(step const& s) {
        log(event_kind::performs, s.name, s.operation, s.value);
        if (within(frame_kind::destructor)) met(feature::performs_in_destructor);
        answerer const found = look_up(s.operation);
        if (found.frame == no_handler) {
            if (s.operation == operations - 1) {
                met(feature::default_answer);
                return give(default_answer(s.value));
            }
            met(feature::no_handler);
            return raise({unhandled - s.operation, 0});
        }
        int const id = stack_[found.frame].id;
        installed& h = handler(id);
        clause const& c = h.by->clauses[static_cast<std::size_t>(found.clause)];
        if (c.kind == clause_kind::control) return capture(s, found.frame, c);
        if (c.kind == clause_kind::aborts && h.aborted) {
            met(feature::aborted_again);
            return raise({the_unwinding, id});
        }
        log(event_kind::clause, c.name, s.value);
        frame& f = push(c.kind == clause_kind::on ? frame_kind::in_place : frame_kind::aborting, id);
        f.at = found.clause;
        f.of = &c;
        call(c.body, h.environment);
    }

    void advance_aborting(frame& f) {
        installed& h = handler(f.id);
        int const id = f.id;
        int const more = f.of->value;
        if (signal_.kind == signal::thrown) {
            if (signal_.e.what == the_unwinding) return pop(); // the clause itself is given up
            --current().uncaught;
        }
        pop();
        if (!h.aborted) {
            met(feature::aborted);
            h.aborted = true;
            if (signal_.kind == signal::thrown)
                h.error = signal_.e;
            else
                h.answer = signal_.v + more;
        }
        if (h.fiber != 0) prompts_[at(h.fiber)].given_up = id;
        raise({the_unwinding, id});
    }

    void capture(step const& s, std::size_t place, clause const& c) {
        installed& h = handler(stack_[place].id);
        prompt& p = prompts_[at(h.fiber)];
        if (p.given_up != 0) {
            met(feature::abort_refuses_capture);
            return raise({the_unwinding, p.given_up});
        }
        bool const shallow = h.by->kind == step_kind::shallow;
        std::size_t const bottom = shallow ? place + 1 : place - 1;
        assert(stack_[bottom].kind == frame_kind::fiber && stack_[bottom].id == h.fiber);
        for (std::size_t i = stack_.size(); i-- > bottom;)
            if (stack_[i].kind == frame_kind::fiber && prompts_[at(stack_[i].id)].dropped) {
                if (current().uncaught > 0) terminates(s.name);
                met(feature::suspension_refused);
                return raise({the_unwinding, -stack_[i].id});
            }
        met(feature::capture);
        if (!current().caught.empty()) met(feature::captured_in_catch);

        continuation k;
        k.prompt = h.fiber;
        k.shallow = shallow;
        k.threads = threads();
        auto from = stack_.begin() + static_cast<std::ptrdiff_t>(shallow ? bottom : bottom - 1);
        k.held.assign(std::make_move_iterator(from), std::make_move_iterator(stack_.end()));
        stack_.erase(from, stack_.end());
        for (frame const& f : k.held) {
            if (f.kind == frame_kind::destructor) met(feature::captured_in_destructor);
            if (f.kind == frame_kind::control) met(feature::captured_clause);
        }
        if (shallow) { // it is used up
            pop();
            pop();
        }
        log(event_kind::clause, c.name, s.value);
        environments_.push_back(add(continuations_, std::move(k)));
        frame& f = push(frame_kind::control);
        f.of = &c;
        f.at = shallow ? 1 : 0;
        f.environment = static_cast<int>(environments_.size()) - 1;
        call(c.body, f.environment);
    }

    // A clause returns its answer or its resumption, and drops what it still has.
    void advance_control(frame& f) {
        if (f.pending.kind == signal::nothing_yet) {
            f.pending = signal_;
            if (signal_.kind == signal::value && f.of->tail && f.at != 2) {
                f.tail = take(own, f.environment);
                if (f.tail == 0) {
                    refuse_used();
                    f.pending = signal_;
                } else if (f.at == 1) { // shallow: there is no such thing
                    int const k = std::exchange(f.tail, 0);
                    f.pending = {};
                    f.at = 2;
                    return resume(k, {signal::value, f.of->value, {}});
                }
            }
            if (int const k = take(own, f.environment); k != 0) return drop(k);
        }
        signal_ = f.pending;
        int const tail = f.tail;
        int const v = f.of->value;
        pop();
        if (tail != 0) {
            met(feature::resumed_in_tail_position);
            resume(tail, {signal::value, v, {}});
        }
    }

    // ---- resumptions ----

    int take(int source, int environment) {
        if (source >= 0) return std::exchange(slots_[source], 0);
        if (environment == nowhere) return 0;
        return std::exchange(environments_[static_cast<std::size_t>(environment)], 0);
    }

    void refuse_used() {
        met(feature::used_twice);
        raise({already_used, 0});
    }

    void put_back(int k) {
        continuation& c = continuations_[at(k)];
        if (c.threads != threads()) met(feature::resumed_on_another_thread);
        if (c.kept) met(feature::resumed_elsewhere);
        stack_.insert(stack_.end(), std::make_move_iterator(c.held.begin()), std::make_move_iterator(c.held.end()));
        c.held.clear();
    }
    void resume(int k, signal with) {
        put_back(k);
        if (with.kind == signal::thrown)
            raise(with.e);
        else
            signal_ = with;
    }

    void drop(int k) {
        continuation& c = continuations_[at(k)];
        met(feature::dropped);
        if (c.threads != threads()) met(feature::dropped_on_another_thread);
        if (std::count_if(c.held.begin(), c.held.end(), [](frame const& f) { return f.kind == frame_kind::fiber; }) > 1)
            met(feature::dropped_in_several_fibers);
        push(frame_kind::dropping);
        prompts_[at(c.prompt)].dropped = true;
        stack_.insert(stack_.end(), std::make_move_iterator(c.held.begin()), std::make_move_iterator(c.held.end()));
        c.held.clear();
        raise({the_unwinding, -c.prompt});
    }

    // For bodies that own nothing.
    void forget(step const& s, int k) {
        continuation& c = continuations_[at(k)];
        int calls = 0;
        bool clauses = false;
        for (frame const& f : c.held) {
            clauses = clauses || f.kind == frame_kind::control || f.kind == frame_kind::in_place ||
                      f.kind == frame_kind::mask || f.kind == frame_kind::after;
            bool owns = !f.objects.empty() || f.kind == frame_kind::catching || f.kind == frame_kind::destructor ||
                        f.kind == frame_kind::dropping || f.kind == frame_kind::thread ||
                        f.kind == frame_kind::aborting;
            if (f.kind == frame_kind::steps || f.kind == frame_kind::after)
                owns = owns || f.pending.kind != signal::nothing_yet;
            if (f.kind == frame_kind::control)
                owns = owns || environments_[static_cast<std::size_t>(f.environment)] != 0;
            if (f.kind == frame_kind::handlers) {
                owns = owns || handler(f.id).aborted;
                ++calls;
            }
            if (f.kind == frame_kind::fiber) {
                exceptions const& e = prompts_[at(f.id)].own;
                owns = owns || e.uncaught != 0 || !e.caught.empty();
            }
            if (owns) terminates(s.name);
        }
        // What a call of handle and a running clause hold is the library's; a deep one's own is destroyed all the same.
        if (clauses || calls > (c.shallow ? 0 : 1)) result_.leaks = true;
        met(feature::forgotten);
        c.held.clear();
    }

    meaning result_;
    frames stack_;
    signal signal_;
    exceptions main_;
    int steps_ = 0;
    int slots_[slots] = {};
    std::deque<prompt> prompts_; // these are spoken of by numbers that begin with 1
    std::deque<installed> handlers_;
    std::deque<function> functions_;
    std::deque<continuation> continuations_;
    std::vector<int> environments_; // what each control clause has: a continuation
};

} // namespace

char const* text(feature f) {
    switch (f) {
    case feature::capture:
        return "capture";
    case feature::resumed_in_tail_position:
        return "resumed in tail position";
    case feature::resumed_by_exception:
        return "resumed by exception";
    case feature::resumed_elsewhere:
        return "resumed elsewhere";
    case feature::resumed_while_handled:
        return "a rest under a new handler";
    case feature::resumed_on_another_thread:
        return "resumed on another thread";
    case feature::used_twice:
        return "used twice";
    case feature::dropped:
        return "dropped";
    case feature::dropped_in_several_fibers:
        return "dropped in several fibers";
    case feature::dropped_on_another_thread:
        return "dropped on another thread";
    case feature::unwinding_swallowed:
        return "unwinding swallowed";
    case feature::suspension_refused:
        return "suspension refused in a dropped body";
    case feature::forgotten:
        return "forgotten";
    case feature::aborted:
        return "aborted";
    case feature::aborted_again:
        return "aborted again";
    case feature::abort_refuses_capture:
        return "abort refuses capture";
    case feature::abort_replaced:
        return "abort replaced by an outer unwinding";
    case feature::clause_throws:
        return "aborts clause throws";
    case feature::masked:
        return "masked";
    case feature::default_answer:
        return "default answer";
    case feature::no_handler:
        return "no handler";
    case feature::shallow:
        return "shallow";
    case feature::leaves_dropped:
        return "finally in a dropped body";
    case feature::leaves_throwing:
        return "finally throws";
    case feature::performs_in_destructor:
        return "performs in a destructor";
    case feature::captured_in_catch:
        return "captured in a catch block";
    case feature::captured_in_destructor:
        return "captured in a destructor";
    case feature::captured_clause:
        return "a clause captured";
    case feature::count:
        break;
    }
    return "";
}

meaning interpret(program const& p) { return machine(p).take(); }

} // namespace property
