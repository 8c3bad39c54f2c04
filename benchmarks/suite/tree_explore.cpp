// SPDX-License-Identifier: BSL-1.0
// All ways down a tree, with a state that is not rolled back: so it is an operation, performed once on each branch.
#include "input.hpp"
#include "tree.hpp"

#include <algorithm>
#include <vector>

#include <effects/effects.hpp>
#include <effects/multishot.hpp>

namespace {

struct choose {
    using result_type = bool;
};
struct get_state {
    using result_type = std::int64_t;
};
struct mix_into_state {
    using result_type = void;
    std::int64_t value;
};

std::int64_t explore(suite::node const* at) {
    if (!at) return effects::perform(get_state{});
    suite::node const* next = effects::perform(choose{}) ? at->left : at->right;
    effects::perform(mix_into_state{at->value});
    return suite::mix(at->value, explore(next));
}

std::vector<std::int64_t> all_paths(suite::node const* root) {
    return effects::multishot::handle([root] { return explore(root); }, effects::control<choose>([](choose, auto k) {
                                          auto paths = k.resume(true);
                                          auto others = k.resume(false);
                                          paths.insert(paths.end(), others.begin(), others.end());
                                          return paths;
                                      }),
                                      effects::returns([](std::int64_t x) { return std::vector{x}; }));
}

std::int64_t run(std::int64_t height) {
    suite::shared_tree tree(height);
    std::int64_t state = 0;
    return effects::handle(
        [&] {
            for (int round = 0; round < 10; ++round) {
                auto paths = all_paths(tree.root());
                state = *std::max_element(paths.begin(), paths.end());
            }
            return state;
        },
        [&](get_state) { return state; }, [&](mix_into_state op) { state = suite::mix(state, op.value); });
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 24, run); }
