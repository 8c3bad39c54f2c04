// SPDX-License-Identifier: BSL-1.0
#include "real.hpp"

#include "real_handle.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <thread>

namespace property {

namespace {

struct boom {
    int number;
};

// Of the exception that is being handled. Not by `throw;`, which would spoil one that is being thrown again just now.
int what() {
    std::exception_ptr const current = std::current_exception();
    if (!current) return nothing;
    try {
        std::rethrow_exception(current);
    } catch (boom const& e) {
        return e.number;
    } catch (effects::unhandled_operation const& e) {
        for (int n = 0; n < operations; ++n)
            if (e.operation().find("op<" + std::to_string(n)) != std::string::npos) return unhandled - n;
        return unhandled - operations;
    } catch (effects::resumption_already_used const&) {
        return already_used;
    } catch (effects::detail::unwinding const&) {
        return the_unwinding;
    } catch (...) {
        return unhandled - operations;
    }
}

struct object {
    world& in;
    step const& of;
    environment* around;

    ~object() {
        if (in.stopped) return;
        in.log(event_kind::destroyed, of.name, std::uncaught_exceptions());
        if (!of.body.empty()) sum_of(in, of.body, around);
    }
};

template <int N>
int perform_op(int value) {
    if (value % 2 == 0) return effects::perform(op<N>{value});
    op<N> const lasting{value};
    return effects::perform(lasting);
}

int perform_step(step const& s) {
    switch (s.operation) {
    case 0:
        return perform_op<0>(s.value);
    case 1:
        return perform_op<1>(s.value);
    default:
        return perform_op<2>(s.value);
    }
}

template <int N>
void mask_op(world& w, step const& s, function& f) {
    effects::mask<op<N>>([&] { run_steps(w, s.body, 0, f); });
}

held take(world& w, int source, function const& f) {
    held* from = source >= 0 ? &w.kept[source] : f.around ? &f.around->k : nullptr;
    return from ? std::exchange(*from, held()) : held();
}

int resume_with_exception(held& k, int value) {
    return std::visit(
        [&]<class K>(K& known) -> int {
            if constexpr (std::is_same_v<K, std::monostate>)
                return deep_k<0>().resume_with_exception(boom{value});
            else
                return std::move(known).resume_with_exception(boom{value});
        },
        k);
}

void forget(held k) {
    std::visit(
        []<class K>(K& known) {
            if constexpr (std::is_same_v<K, std::monostate>)
                deep_k<0>().forget();
            else
                std::move(known).forget();
        },
        k);
}

int handle_step(world& w, step const& s, function const& f) {
    held rest;
    if (s.source != nowhere) {
        rest = take(w, s.source, f);
        if (rest.index() == 0) return resume(rest, 0);
    }
    if (s.kind == step_kind::shallow) return handle_shallow(w, s, f.around, std::move(rest));
    if (s.clauses.empty()) return handle_without(w, s, f.around, std::move(rest));
    switch (s.clauses[0].kind) {
    case clause_kind::on:
        return handle_on(w, s, f.around, std::move(rest));
    case clause_kind::control:
        return handle_control(w, s, f.around, std::move(rest));
    default:
        return handle_aborts(w, s, f.around, std::move(rest));
    }
}

void catch_own(world& w, step const& s, function& f) {
    try {
        run_steps(w, s.body, 0, f);
    } catch (boom const& e) {
        w.log(event_kind::caught, s.name, e.number);
        run_steps(w, s.rescue, 0, f);
    }
}

void catch_all(world& w, step const& s, function& f) {
    try {
        run_steps(w, s.body, 0, f);
    } catch (...) {
        w.log(event_kind::caught, s.name, what());
        run_steps(w, s.rescue, 0, f);
        if (s.again) throw;
    }
}

void on_another_thread(world& w, step const& s, function& f) {
    std::exception_ptr error;
    std::thread([&] {
        try {
            run_steps(w, s.body, 0, f);
        } catch (...) {
            error = std::current_exception();
        }
    }).join();
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
}

void keep(world& w, step const& s, function const& f) {
    if (!f.around || f.around->k.index() == 0) return;
    w.log(event_kind::kept, s.name, s.slot);
    held old = std::exchange(w.kept[s.slot], std::exchange(f.around->k, held()));
}

void drop(world& w, step const& s, function const& f) {
    held taken = take(w, s.source, f);
    if (taken.index() != 0) w.log(event_kind::dropped, s.name);
}

int resume_step(world& w, step const& s, function const& f) {
    held taken = take(w, s.source, f);
    return s.kind == step_kind::resume ? resume(taken, s.value) : resume_with_exception(taken, s.value);
}

void run_step(world& w, step const& s, function& f) {
    auto joins = [&](int answer) {
        w.log(event_kind::answered, s.name, answer);
        f.sum = (f.sum * 2 + answer) % 1009;
    };
    switch (s.kind) {
    case step_kind::perform:
        w.log(event_kind::performs, s.name, s.operation, s.value);
        return joins(perform_step(s));
    case step_kind::local:
        return; // see run_steps
    case step_kind::scope:
        return run_steps(w, s.body, 0, f);
    case step_kind::repeat:
        for (int i = 0; i < s.value; ++i) run_steps(w, s.body, 0, f);
        return;
    case step_kind::fail:
        w.log(event_kind::throws, s.name, s.value);
        throw boom{s.value};
    case step_kind::rethrow:
        throw;
    case step_kind::catch_own:
        return catch_own(w, s, f);
    case step_kind::catch_all:
        return catch_all(w, s, f);
    case step_kind::observe: {
        int const uncaught = std::uncaught_exceptions();
        return w.log(event_kind::sees, s.name, uncaught, what());
    }
    case step_kind::handle:
    case step_kind::shallow:
        return joins(handle_step(w, s, f));
    case step_kind::mask:
        switch (s.operation) {
        case 0:
            return mask_op<0>(w, s, f);
        case 1:
            return mask_op<1>(w, s, f);
        default:
            return mask_op<2>(w, s, f);
        }
    case step_kind::resume:
    case step_kind::resume_with_exception:
        return joins(resume_step(w, s, f));
    case step_kind::drop:
        return drop(w, s, f);
    case step_kind::forget:
        return forget(take(w, s.source, f));
    case step_kind::keep:
        return keep(w, s, f);
    case step_kind::thread:
        return on_another_thread(w, s, f);
    }
}

} // namespace

int resume(held& k, int value) {
    return std::visit(
        [&]<class K>(K& known) -> int {
            if constexpr (std::is_same_v<K, std::monostate>)
                return deep_k<0>().resume(value);
            else
                return std::move(known).resume(value);
        },
        k);
}

void run_steps(world& w, block const& b, std::size_t from, function& f) {
    for (std::size_t i = from; i < b.size() && !w.stopped; ++i) {
        if (b[i].kind == step_kind::local) {
            object const lives{w, b[i], f.around};
            return run_steps(w, b, i + 1, f);
        }
        run_step(w, b[i], f);
    }
}

int handle_without(world& w, step const& s, environment* around, held rest) {
    return call_handle(w, s, around, std::move(rest));
}

observed run(program const& p, std::size_t expected) {
    world w;
    w.most = expected + 1;
    try {
        int const answer = sum_of(w, p.body, nullptr);
        w.log(event_kind::ended, 0, answer);
    } catch (...) {
        w.log(event_kind::escaped, 0, what());
    }
    for (bool again = true; std::exchange(again, false);)
        for (held& k : w.kept)
            if (k.index() != 0) {
                again = true;
                held old = std::exchange(k, held());
            }
    return {std::move(w.events), w.alive};
}

} // namespace property
