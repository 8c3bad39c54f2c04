// SPDX-License-Identifier: BSL-1.0
// A parser that reads from a feed and emits, both of them handlers; the end of the input stops it.
#include "input.hpp"

#include <effects/effects.hpp>

namespace {

struct read {
    using result_type = int;
};
struct emit {
    using result_type = void;
    std::int64_t value;
};
struct stop {
    using result_type = void;
};

constexpr int newline = 10;
constexpr int dollar = 36;

// Counts the dollars of each line.
void parse() {
    std::int64_t dollars = 0;
    for (;;) {
        int c = effects::perform(read{});
        if (c == dollar) {
            ++dollars;
        } else if (c == newline) {
            effects::perform(emit{dollars});
            dollars = 0;
        } else {
            effects::perform(stop{});
        }
    }
}

// Before its line i, a newline; then i dollars.
template <class Body>
void feed(std::int64_t n, Body body) {
    std::int64_t i = 0, j = 0;
    effects::handle(body, [&](read) {
        if (i > n) effects::perform(stop{});
        if (j == 0) {
            j = ++i;
            return newline;
        }
        --j;
        return dollar;
    });
}

template <class Body>
void stopping(Body body) {
    effects::handle(body, effects::aborts<stop>([](stop) {}));
}

template <class Body>
std::int64_t sum(Body body) {
    std::int64_t total = 0;
    effects::handle(body, [&total](emit op) { total += op.value; });
    return total;
}

std::int64_t run(std::int64_t n) {
    return sum([n] { stopping([n] { feed(n, parse); }); });
}

} // namespace

int main(int argc, char** argv) { return suite::main_with(argc, argv, 1'000'000, run); }
