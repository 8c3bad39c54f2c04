// SPDX-License-Identifier: BSL-1.0
// No effects at all: what the others' figures are scaled by.
#include "input.hpp"

namespace {

[[gnu::noinline]] std::int64_t fibonacci(std::int64_t n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 90, fibonacci); }
