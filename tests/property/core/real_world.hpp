// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"
#include "trace.hpp"

#include <cstddef>
#include <deque>
#include <utility>
#include <variant>

#include <effects/effects.hpp>

// What the parts of the interpreter over the library share. Its functions own nothing while they wait for an answer, so that
// bodies can be forgotten.
namespace property {

template <int N>
struct op {
    using result_type = int;
    int value;
};
template <>
struct op<operations - 1> {
    using result_type = int;
    int value;
    static int default_answer(op const& o) { return property::default_answer(o.value); }
};

template <int N>
using deep_k = effects::resumption<op<N>, int>;
template <int N>
using shallow_k = effects::shallow::resumption<op<N>, int>;

// A resumption, of whichever operation.
using held = std::variant<std::monostate, deep_k<0>, deep_k<1>, deep_k<2>, shallow_k<0>, shallow_k<1>, shallow_k<2>>;

// What a control clause can reach: captured bodies may outlive the clause that they stand in.
struct environment {
    held k;
};

struct world {
    trace events;
    std::size_t most = 0;
    bool stopped = false;
    held kept[slots];
    std::deque<environment> environments;
    int alive = 0;

    void log(event_kind kind, int name, int a = 0, int b = 0) {
        if (events.size() >= most)
            stopped = true;
        else
            events.push_back({kind, name, a, b});
    }
};

// In each body and clause: counts them, and knows whether what runs has been destroyed.
class alive {
public:
    explicit alive(world& w) : world_(&w), self_(this) { ++w.alive; }
    alive(alive const& other) : world_(other.world_), self_(this) { ++world_->alive; }
    alive& operator=(alive const&) = delete;
    ~alive() {
        --world_->alive;
        self_ = nullptr;
    }
    world& in() const { return *world_; }
    void check(int name) const {
        if (*const_cast<alive const* const volatile*>(&self_) != this) world_->log(event_kind::lost, name);
    }

private:
    world* world_;
    alive const* self_;
};

// A call of a body or clause.
struct function {
    int sum;
    environment* around;
};

void run_steps(world& w, block const& b, std::size_t from, function& f);
inline int sum_of(world& w, block const& b, environment* around, int sum = 0) {
    function f{sum, around};
    run_steps(w, b, 0, f);
    return f.sum;
}

// Uses up what `k` holds.
int resume(held& k, int value);

// `rest`: what runs in the body's stead, where it holds something.
int handle_without(world& w, step const& s, environment* around, held rest);
int handle_on(world& w, step const& s, environment* around, held rest); // the first clause is this kind
int handle_control(world& w, step const& s, environment* around, held rest);
int handle_aborts(world& w, step const& s, environment* around, held rest);
int handle_shallow(world& w, step const& s, environment* around, held rest);

} // namespace property
