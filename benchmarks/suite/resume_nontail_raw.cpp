// SPDX-License-Identifier: BSL-1.0
// resume_nontail.cpp on bare jump_fcontext.
#include "input.hpp"
#include "raw.hpp"

namespace {

struct body {
    std::int64_t n;
    std::int64_t s;
    bool ended = false;
};

void loop(suite::fcontext::transfer_t from) {
    auto& self = *static_cast<body*>(from.data);
    for (std::int64_t i = self.n; i > 0; --i) from = suite::fcontext::jump_fcontext(from.fctx, &i);
    self.ended = true;
    suite::fcontext::jump_fcontext(from.fctx, nullptr);
}

std::int64_t settle(body& self, suite::fcontext::transfer_t at) {
    if (self.ended) return self.s;
    std::int64_t x = *static_cast<std::int64_t*>(at.data);
    std::int64_t y = settle(self, suite::fcontext::jump_fcontext(at.fctx, nullptr));
    return suite::mix(x, y);
}

std::int64_t run(std::int64_t n) {
    suite::raw_stack stack;
    std::int64_t s = 0;
    for (int round = 0; round < 1000; ++round) {
        body self{n, s};
        s = settle(self, suite::fcontext::jump_fcontext(stack.start(&loop), &self));
    }
    return s;
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 20'000, run); }
