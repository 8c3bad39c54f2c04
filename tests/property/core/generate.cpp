// SPDX-License-Identifier: BSL-1.0
#include "generate.hpp"

#include "reference.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace property {

namespace {

// ---- making one ----

class dice {
public:
    explicit dice(std::uint64_t seed) : state_(seed | 1) {}
    int below(int n) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<int>((state_ >> 20) % static_cast<std::uint64_t>(n));
    }
    bool percent(int p) { return below(100) < p; }

private:
    std::uint64_t state_;
};

struct surroundings {
    int depth = 0;
    bool owns = false;     // a control clause is around it
    bool catching = false; // a catch block of the same function
};

class author {
public:
    author(mix const& of, std::uint64_t seed, int budget) : mix_(of), dice_(seed), budget_(budget) {}

    program write() {
        program p;
        while (budget_ > 0) {
            block more = some_steps(4, {});
            std::move(more.begin(), more.end(), std::back_inserter(p.body));
            --budget_;
        }
        return p;
    }

private:
    block some_steps(int most, surroundings in) {
        block b;
        ++in.depth;
        for (int n = dice_.below(most + 1); n > 0 && budget_ > 0; --n) b.push_back(a_step(in));
        return b;
    }
    block some_or_one(int most, surroundings const& in) {
        block b = some_steps(most, in);
        if (b.empty()) b.push_back(a_step(in));
        return b;
    }
    int a_value() { return dice_.below(5); }
    int an_operation() { return dice_.below(operations); }

    step_kind a_kind(surroundings const& in) {
        bool const deep = in.depth > 8;
        std::pair<step_kind, int> const chances[] = {
            {step_kind::perform, mix_.perform},
            {step_kind::local, mix_.local},
            {step_kind::scope, deep ? 0 : mix_.scope},
            {step_kind::repeat, deep ? 0 : mix_.repeat},
            {step_kind::fail, mix_.fail},
            {step_kind::rethrow, in.catching ? mix_.rethrow : 0},
            {step_kind::catch_own, deep ? 0 : mix_.catch_own},
            {step_kind::catch_all, deep ? 0 : mix_.catch_all},
            {step_kind::observe, mix_.observe},
            {step_kind::handle, deep ? 0 : mix_.handle},
            {step_kind::shallow, deep ? 0 : mix_.shallow},
            {step_kind::mask, deep ? 0 : mix_.mask},
            {step_kind::keep, in.owns ? mix_.use_own : 0}, // stands for all uses of it
            {step_kind::resume, mix_.use_slot},
            {step_kind::thread, deep ? 0 : mix_.thread},
        };
        int all = 0;
        for (auto const& [kind, chance] : chances) all += chance;
        int at = dice_.below(all);
        for (auto const& [kind, chance] : chances)
            if ((at -= chance) < 0) return kind;
        return step_kind::perform;
    }

    step a_step(surroundings in) {
        --budget_;
        ++in.depth;
        step s;
        s.kind = a_kind(in);
        s.operation = an_operation();
        s.value = a_value();
        switch (s.kind) {
        case step_kind::local:
            if (dice_.percent(mix_.destructors)) s.body = some_steps(3, function_of(in));
            break;
        case step_kind::scope:
        case step_kind::mask:
        case step_kind::thread:
            s.body = some_or_one(4, in);
            break;
        case step_kind::repeat:
            s.value = 1 + dice_.below(3);
            s.body = some_or_one(3, in);
            break;
        case step_kind::catch_all:
            s.again = dice_.percent(40);
            [[fallthrough]];
        case step_kind::catch_own:
            s.body = some_or_one(4, in);
            in.catching = true;
            s.rescue = some_steps(3, in);
            break;
        case step_kind::handle:
        case step_kind::shallow:
            return a_handle(std::move(s), in);
        case step_kind::keep:
            return a_use(own);
        case step_kind::resume:
            return a_use(dice_.below(slots));
        default:
            break;
        }
        return s;
    }

    static surroundings function_of(surroundings in) {
        in.catching = false;
        return in;
    }

    step a_use(int source) {
        step s;
        s.source = source;
        s.value = a_value();
        if (source == own && dice_.percent(mix_.keep)) {
            s.kind = step_kind::keep;
            s.slot = dice_.below(slots);
        } else if (dice_.percent(mix_.forget)) {
            s.kind = step_kind::forget;
        } else {
            int const how = dice_.below(100);
            s.kind = how < 65 ? step_kind::resume : how < 82 ? step_kind::resume_with_exception : step_kind::drop;
        }
        return s;
    }

    clause a_clause(clause_kind kind, surroundings in) {
        clause c;
        c.kind = kind;
        c.operation = an_operation();
        c.value = a_value();
        in = function_of(in);
        in.owns = in.owns || kind == clause_kind::control;
        c.body = some_steps(3, in);
        if (kind == clause_kind::control) {
            c.tail = dice_.percent(mix_.tail);
            if (!c.tail && dice_.percent(75)) {
                auto const place = dice_.below(static_cast<int>(c.body.size()) + 1);
                c.body.insert(c.body.begin() + place, a_use(own));
            }
        }
        return c;
    }

    clause_kind a_clause_kind() {
        int at = dice_.below(mix_.on + mix_.control + mix_.aborts);
        if ((at -= mix_.on) < 0) return clause_kind::on;
        if ((at -= mix_.control) < 0) return clause_kind::control;
        return clause_kind::aborts;
    }

    step a_handle(step s, surroundings const& in) {
        bool const has_source = in.owns || mix_.use_slot > 0;
        if (has_source && dice_.percent(mix_.rest)) {
            s.source = in.owns && (mix_.use_slot == 0 || dice_.percent(50)) ? own : dice_.below(slots);
        }
        int clauses = dice_.below(10) < 6 ? 1 : 2;
        if (s.kind == step_kind::shallow)
            s.clauses.push_back(a_clause(clause_kind::control, in));
        else if (dice_.percent(5))
            clauses = 0;
        while (static_cast<int>(s.clauses.size()) < clauses) s.clauses.push_back(a_clause(a_clause_kind(), in));
        if (s.source == nowhere) {
            surroundings inside = function_of(in);
            s.body = some_or_one(5, inside);
        }
        if (dice_.percent(mix_.maps)) {
            s.maps = true;
            s.mapping = some_steps(2, function_of(in));
        }
        if (s.kind == step_kind::handle && dice_.percent(mix_.leaves)) {
            s.leaves = 1 + dice_.below(2);
            for (int i = 0; i < s.leaves; ++i) s.leaving[i] = some_steps(2, function_of(in));
        }
        return s;
    }

    mix const& mix_;
    dice dice_;
    int budget_;
};

// ---- mending one that would terminate ----

template <class F>
bool visit(block& b, F&& f) { // until f(block, index) is true
    for (std::size_t i = 0; i < b.size(); ++i) {
        if (f(b, i)) return true;
        step& s = b[i];
        if (visit(s.body, f) || visit(s.rescue, f) || visit(s.mapping, f)) return true;
        for (clause& c : s.clauses)
            if (visit(c.body, f)) return true;
        for (block& l : s.leaving)
            if (visit(l, f)) return true;
    }
    return false;
}

void mend(program& p, meaning const& m) {
    visit(p.body, [&](block& b, std::size_t i) {
        step& s = b[i];
        if (s.name != m.blamed) return false;
        if (s.kind == step_kind::local)
            s.body.clear();
        else if (m.finally != nowhere)
            s.leaving[m.finally].clear();
        else if (s.kind == step_kind::forget)
            s.kind = step_kind::drop;
        else
            b.erase(b.begin() + static_cast<std::ptrdiff_t>(i));
        return true;
    });
}

// Whether it ends, after that.
bool mended(program& p) {
    for (;;) {
        number(p);
        meaning const m = interpret(p);
        if (m.how == verdict::ends) return true;
        if (m.how == verdict::too_long) return false;
        mend(p, m);
    }
}

// ---- smaller ones ----

class smaller_ones {
public:
    smaller_ones(program const& p, bool mends) : whole_(p), mends_(mends), size_(size(p)) { search(); }
    std::vector<program> take() { return std::move(found_); }

private:
    // Each change is tried on a copy, found there by the number of the step.
    template <class Change>
    void with(int name, Change&& change) {
        program p = whole_;
        bool changed = false;
        visit(p.body, [&](block& b, std::size_t i) {
            if (b[i].name != name) return false;
            changed = change(b, i);
            return true;
        });
        if (!changed) return;
        number(p);
        if (mends_ && !mended(p)) return;
        if (size(p) < size_) found_.push_back(std::move(p));
    }

    void search() {
        std::vector<int> names;
        visit(whole_.body, [&](block& b, std::size_t i) {
            names.push_back(b[i].name);
            return false;
        });
        for (int name : names) { // much at once
            with(name, [](block& b, std::size_t i) {
                b.erase(b.begin() + static_cast<std::ptrdiff_t>(i), b.end());
                return true;
            });
        }
        for (int name : names)
            with(name, [](block& b, std::size_t i) {
                b.erase(b.begin() + static_cast<std::ptrdiff_t>(i));
                return true;
            });
        for (int name : names) { // a block in place of what is around it
            with(name, [](block& b, std::size_t i) { return hoist(b, i, std::move(b[i].body)); });
            with(name, [](block& b, std::size_t i) { return hoist(b, i, std::move(b[i].rescue)); });
        }
        for (int name : names) simplify(name);
    }

    static bool hoist(block& b, std::size_t i, block inner) {
        if (inner.empty()) return false;
        auto const place = b.erase(b.begin() + static_cast<std::ptrdiff_t>(i));
        b.insert(place, std::make_move_iterator(inner.begin()), std::make_move_iterator(inner.end()));
        return true;
    }

    void simplify(int name) {
        for (std::size_t c = 0; c < 2; ++c) {
            with(name, [c](block& b, std::size_t i) {
                step& s = b[i];
                if (c >= s.clauses.size() || (s.kind == step_kind::shallow && c == 0)) return false;
                s.clauses.erase(s.clauses.begin() + static_cast<std::ptrdiff_t>(c));
                return true;
            });
            with(name, [c](block& b, std::size_t i) {
                if (c >= b[i].clauses.size()) return false;
                b[i].clauses[c].value = 0;
                return true;
            });
            with(name, [c](block& b, std::size_t i) {
                if (c >= b[i].clauses.size()) return false;
                b[i].clauses[c].body.clear();
                return true;
            });
            with(name, [c](block& b, std::size_t i) {
                if (c >= b[i].clauses.size()) return false;
                return std::exchange(b[i].clauses[c].tail, false);
            });
            with(name, [c](block& b, std::size_t i) {
                bool const any = !b[i].leaving[c].empty();
                b[i].leaving[c].clear();
                return any;
            });
        }
        with(name, [](block& b, std::size_t i) {
            b[i].mapping.clear();
            return std::exchange(b[i].maps, false);
        });
        with(name, [](block& b, std::size_t i) {
            if (b[i].leaves == 0) return false;
            if (--b[i].leaves == 0) b[i].leaving[0].clear();
            b[i].leaving[1].clear();
            return true;
        });
        with(name, [](block& b, std::size_t i) { return std::exchange(b[i].again, false); });
        with(name, [](block& b, std::size_t i) { return std::exchange(b[i].value, b[i].value / 2) != 0; });
        with(name, [](block& b, std::size_t i) {
            bool const any = !b[i].rescue.empty();
            b[i].rescue.clear();
            return any;
        });
        with(name, [](block& b, std::size_t i) {
            bool const any = !b[i].body.empty();
            b[i].body.clear();
            return any;
        });
    }

    program whole_;
    bool mends_;
    std::size_t size_;
    std::vector<program> found_;
};

rc::Gen<program> generated(mix const& of, bool mends) {
    return rc::Gen<program>([of, mends](rc::Random const& random, int scale) {
        rc::Random source = random;
        program p;
        bool good = false;
        for (int budget = 4 + scale / 2; !good && budget > 0; budget = budget * 3 / 4) {
            p = author(of, source.next(), budget).write();
            number(p);
            good = mends ? mended(p) : interpret(p).how != verdict::too_long;
        }
        if (!good) p = {};
        return rc::shrinkable::shrinkRecur(
            std::move(p), [mends](program const& q) { return rc::seq::fromContainer(smaller_ones(q, mends).take()); });
    });
}

} // namespace

rc::Gen<program> programs(mix const& of) { return generated(of, true); }
rc::Gen<program> terminating_programs(mix const& of) { return generated(of, false); }

} // namespace property
