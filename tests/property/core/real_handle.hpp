// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "real_world.hpp"

#include <type_traits>
#include <utility>

// The types of clauses and bodies are known when this is compiled, so each choice of them is a call of its own.
namespace property {

struct body {
    alive life;
    step const* of;
    environment* around;
    held rest;

    int operator()() {
        int answer = rest.index() != 0 ? resume(rest, of->value) : sum_of(life.in(), of->body, around);
        life.check(of->name);
        return answer;
    }
};

template <int N>
struct answers { // for `on` and `aborts`
    alive life;
    clause const* of;
    environment* around;

    int operator()(op<N> const& asked) const {
        life.in().log(event_kind::clause, of->name, asked.value);
        int answer = sum_of(life.in(), of->body, around);
        life.check(of->name);
        return answer + of->value;
    }
};

template <int N>
struct captures {
    alive life;
    clause const* of;

    template <class K>
    auto operator()(op<N> asked, K k) const {
        world& w = life.in();
        w.log(event_kind::clause, of->name, asked.value);
        environment& mine = w.environments.emplace_back();
        mine.k = std::move(k);
        struct end {
            environment& of;
            ~end() { held rest = std::exchange(of.k, held()); }
        } const at_end{mine};
        int answer = sum_of(w, of->body, &mine);
        life.check(of->name);
        if constexpr (std::is_same_v<K, deep_k<N>>) {
            if (!of->tail) return effects::tail<int>(answer);
            held taken = std::exchange(mine.k, held());
            if (taken.index() == 0) return K().resume_tail(0);
            return std::get<K>(std::move(taken)).resume_tail(of->value);
        } else {
            if (!of->tail) return answer;
            held taken = std::exchange(mine.k, held());
            return resume(taken, of->value);
        }
    }
};

struct maps {
    alive life;
    step const* of;
    environment* around;

    int operator()(int value) const {
        if (!of->maps) return value;
        life.in().log(event_kind::returns, of->name, value);
        return sum_of(life.in(), of->mapping, around, value);
    }
};

struct leaves {
    alive life;
    step const* of;
    environment* around;
    int number;

    void operator()() const {
        if (number >= of->leaves || life.in().stopped) return;
        life.in().log(event_kind::leaves, of->name, number);
        sum_of(life.in(), of->leaving[number], around);
        life.check(of->name);
    }
};

// `use(clause)` with the clause that `c` describes.
template <clause_kind Kind, class Use>
int with_kind(world& w, clause const& c, environment* around, Use&& use) {
    auto with = [&]<int N>(std::integral_constant<int, N>) {
        if constexpr (Kind == clause_kind::on)
            return use(effects::on<op<N>>(answers<N>{alive(w), &c, around}));
        else if constexpr (Kind == clause_kind::aborts)
            return use(effects::aborts<op<N>>(answers<N>{alive(w), &c, around}));
        else
            return use(effects::control<op<N>>(captures<N>{alive(w), &c}));
    };
    switch (c.operation) {
    case 0:
        return with(std::integral_constant<int, 0>());
    case 1:
        return with(std::integral_constant<int, 1>());
    default:
        return with(std::integral_constant<int, 2>());
    }
}
template <class Use>
int with_clause(world& w, clause const& c, environment* around, Use&& use) {
    switch (c.kind) {
    case clause_kind::on:
        return with_kind<clause_kind::on>(w, c, around, use);
    case clause_kind::control:
        return with_kind<clause_kind::control>(w, c, around, use);
    default:
        return with_kind<clause_kind::aborts>(w, c, around, use);
    }
}

// With nothing but clauses, or with all that may follow the body.
template <class... Clauses>
int call_handle(world& w, step const& s, environment* around, held&& rest, Clauses... clauses) {
    if (sizeof...(Clauses) != 0 && !s.maps && s.leaves == 0)
        return effects::handle(body{alive(w), &s, around, std::move(rest)}, std::move(clauses)...);
    return effects::handle(body{alive(w), &s, around, std::move(rest)},
                           effects::finally(leaves{alive(w), &s, around, 0}), std::move(clauses)...,
                           effects::returns(maps{alive(w), &s, around}),
                           effects::finally(leaves{alive(w), &s, around, 1}));
}

template <clause_kind First>
int handle_first(world& w, step const& s, environment* around, held&& rest) {
    return with_kind<First>(w, s.clauses[0], around, [&](auto first) {
        if (s.clauses.size() == 1) return call_handle(w, s, around, std::move(rest), std::move(first));
        return with_clause(w, s.clauses[1], around, [&](auto second) {
            return call_handle(w, s, around, std::move(rest), std::move(first), std::move(second));
        });
    });
}

} // namespace property
