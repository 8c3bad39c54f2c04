// SPDX-License-Identifier: BSL-1.0
#include "real_handle.hpp"

namespace property {

namespace {

template <class... Clauses>
int call_shallow(world& w, step const& s, environment* around, held&& rest, Clauses... clauses) {
    effects::shallow::rest<int> go_on;
    std::visit(
        [&]<class K>(K& k) {
            if constexpr (requires { std::move(k).with(0); }) go_on = std::move(k).with(s.value);
        },
        rest);
    if (go_on)
        return effects::shallow::handle(std::move(go_on), std::move(clauses)...,
                                        effects::returns(maps{alive(w), &s, around}));
    return effects::shallow::handle(body{alive(w), &s, around, std::move(rest)}, std::move(clauses)...,
                                    effects::returns(maps{alive(w), &s, around}));
}

} // namespace

// A control clause and, where there is another, that one after it.
int handle_shallow(world& w, step const& s, environment* around, held rest) {
    return with_kind<clause_kind::control>(w, s.clauses[0], around, [&](auto first) {
        if (s.clauses.size() == 1) return call_shallow(w, s, around, std::move(rest), std::move(first));
        return with_clause(w, s.clauses[1], around, [&](auto second) {
            return call_shallow(w, s, around, std::move(rest), std::move(first), std::move(second));
        });
    });
}

} // namespace property
