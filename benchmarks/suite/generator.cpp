// SPDX-License-Identifier: BSL-1.0
// A walk over a tree yields its values; each escapes from the handler with the rest of the walk.
#include "input.hpp"
#include "tree.hpp"

#include <utility>

#include <effects/effects.hpp>

namespace {

struct yield {
    using result_type = void;
    std::int64_t value;
};

struct step {
    std::int64_t value = 0;
    effects::resumption<yield, step> rest = {}; // empty: there is no value, the walk has ended
};

void walk(suite::node const* at) {
    if (!at) return;
    walk(at->left);
    effects::perform(yield{at->value});
    walk(at->right);
}

step start(suite::node const* root) {
    return effects::handle<step>([root] { walk(root); }, effects::returns([] { return step{}; }),
                                 effects::control<yield>([](yield op, auto k) {
                                     return step{op.value, std::move(k)};
                                 }));
}

std::int64_t run(std::int64_t height) {
    suite::shared_tree tree(height);
    std::int64_t sum = 0;
    for (step s = start(tree.root()); s.rest; s = std::move(s.rest).resume()) sum += s.value;
    return sum;
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 60, run); }
