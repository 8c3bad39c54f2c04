// SPDX-License-Identifier: BSL-1.0
#include "generate.hpp"

#include <functional>
#include <iterator>
#include <random>
#include <utility>

namespace property {

mix even_mix() noexcept {
    mix m{};
    m.fill(4);
    auto at = [&](step_kind k) -> int& { return m[static_cast<std::size_t>(k)]; };
    at(step_kind::sleep) = 10;
    at(step_kind::send) = at(step_kind::receive) = 10;
    at(step_kind::spawn) = 20;
    at(step_kind::group) = at(step_kind::timeout) = 7;
    at(step_kind::shield) = at(step_kind::close) = 2;
    at(step_kind::fail) = at(step_kind::cancel_group) = 1;
    return m;
}

namespace {

// In a shield nothing waits for another task: nothing could end that.
bool ends_by_itself(step_kind k) {
    switch (k) {
    case step_kind::sleep:
    case step_kind::yield:
    case step_kind::try_send:
    case step_kind::try_receive:
    case step_kind::set:
    case step_kind::timeout:
    case step_kind::fail:
    case step_kind::cancel:
    case step_kind::attempt:
        return true;
    default:
        return false;
    }
}

class author {
public:
    author(mix const& of, std::uint64_t seed, int budget) : mix_(of), random_(seed), budget_(budget) {}

    program write() {
        program p;
        p.seed = random_() % 1'000'000;
        while (budget_ > 0) {
            block more = some_steps({});
            std::move(more.begin(), more.end(), std::back_inserter(p.body));
        }
        return p;
    }

private:
    struct surroundings {
        int depth = 0;
        bool shielded = false;
        bool locked = false;   // by this task
        bool acquired = false; // by this task
    };

    int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }

    block some_steps(surroundings in) {
        block b;
        ++in.depth;
        for (int n = 1 + below(4); n > 0 && budget_ > 0; --n) b.push_back(a_step(in));
        return b;
    }

    bool allowed(step_kind k, surroundings const& in) const {
        if (in.depth > 7 && has_body(k)) return false;
        if (in.shielded && !ends_by_itself(k)) return false;
        if (in.locked && k == step_kind::lock) return false; // a logic_error
        return !in.acquired || k != step_kind::acquire;
    }

    step a_step(surroundings in) {
        --budget_;
        int all = 0;
        for (int k = 0; k < step_kinds; ++k)
            if (allowed(static_cast<step_kind>(k), in)) all += mix_[static_cast<std::size_t>(k)];
        int at = below(all);
        step s;
        if (in.depth == 1 && below(2) == 0)
            s.kind = step_kind::spawn; // or little would happen side by side
        else
            for (int k = 0; k < step_kinds; ++k)
                if (allowed(static_cast<step_kind>(k), in) && (at -= mix_[static_cast<std::size_t>(k)]) < 0) {
                    s.kind = static_cast<step_kind>(k);
                    break;
                }
        describe(s);
        if (!has_body(s.kind)) return s;
        if (s.kind == step_kind::shield) in.shielded = true;
        if (s.kind == step_kind::lock) in.locked = true;
        if (s.kind == step_kind::acquire) in.acquired = true;
        if (s.kind == step_kind::spawn) in.locked = in.acquired = false;
        s.body = some_steps(in);
        return s;
    }

    void describe(step& s) {
        static constexpr int delays[] = {0, 1, 1, 2, 3, 5, 10};
        switch (s.kind) {
        case step_kind::sleep:
        case step_kind::timeout:
            s.value = delays[below(static_cast<int>(std::size(delays)))];
            break;
        case step_kind::acquire:
            s.value = 1 + below(permits);
            break;
        case step_kind::set:
        case step_kind::reset:
        case step_kind::wait:
            s.at = below(events);
            break;
        case step_kind::spawn:
        case step_kind::cancel:
        case step_kind::join:
            s.at = below(slots);
            break;
        default:
            s.at = below(channels);
        }
    }

    mix const& mix_;
    std::mt19937_64 random_;
    int budget_;
};

// ---- smaller ones ----

using change = std::function<bool(block&, std::size_t)>;

// Makes the change at the n-th step. False: there is none, or it does not apply there.
bool change_at(block& b, std::size_t& n, change const& make) {
    for (std::size_t i = 0; i < b.size(); ++i) {
        if (n-- == 0) return make(b, i);
        if (std::size_t const inner = size(b[i].body); n < inner)
            return change_at(b[i].body, n, make);
        else
            n -= inner;
    }
    return false;
}

bool erase(block& b, std::size_t i) {
    b.erase(b.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
}

// A body that is not another task's, in place of what is around it.
bool hoist(block& b, std::size_t i) {
    if (!has_body(b[i].kind)) return false;
    block inner = std::move(b[i].body);
    auto const place = b.erase(b.begin() + static_cast<std::ptrdiff_t>(i));
    b.insert(place, std::make_move_iterator(inner.begin()), std::make_move_iterator(inner.end()));
    return true;
}

bool lower(block& b, std::size_t i) { return std::exchange(b[i].value, b[i].value / 2) > 1; }

std::vector<program> smaller(program const& p) {
    std::vector<program> found;
    for (change const& make : {change(erase), change(hoist), change(lower)})
        for (std::size_t i = size(p.body); i-- > 0;) {
            program q = p;
            std::size_t n = i;
            if (change_at(q.body, n, make)) found.push_back(std::move(q));
        }
    return found;
}

} // namespace

rc::Gen<program> programs(mix const& of) {
    return rc::Gen<program>([of](rc::Random const& random, int scale) {
        rc::Random source = random;
        return rc::shrinkable::shrinkRecur(author(of, source.next(), 4 + scale / 2).write(),
                                           [](program const& q) { return rc::seq::fromContainer(smaller(q)); });
    });
}

} // namespace property
