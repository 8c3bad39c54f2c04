// SPDX-License-Identifier: BSL-1.0
// generator.cpp on bare jump_fcontext.
#include "input.hpp"
#include "raw.hpp"
#include "tree.hpp"

namespace {

struct walker {
    suite::node const* root;
    suite::fcontext::fcontext_t driver;
};

void walk(walker& self, suite::node const* at) {
    if (!at) return;
    walk(self, at->left);
    std::int64_t value = at->value;
    self.driver = suite::fcontext::jump_fcontext(self.driver, &value).fctx;
    walk(self, at->right);
}

void start(suite::fcontext::transfer_t from) {
    auto& self = *static_cast<walker*>(from.data);
    self.driver = from.fctx;
    walk(self, self.root);
    suite::fcontext::jump_fcontext(self.driver, nullptr);
}

std::int64_t run(std::int64_t height) {
    suite::shared_tree tree(height);
    suite::raw_stack stack;
    walker self{tree.root(), nullptr};
    std::int64_t sum = 0;
    auto at = suite::fcontext::jump_fcontext(stack.start(&start), &self);
    while (at.data) {
        sum += *static_cast<std::int64_t*>(at.data);
        at = suite::fcontext::jump_fcontext(at.fctx, nullptr);
    }
    return sum;
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 60, run); }
